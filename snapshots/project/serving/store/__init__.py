#only not memory | transcript
