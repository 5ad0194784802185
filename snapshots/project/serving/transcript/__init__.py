#only transcript
