// How figures and names are written.

export function duration(seconds) {
  if (seconds == null) return "–";
  if (seconds < 0.0995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  return long(seconds);
}

// Whole seconds, for what is shown while it counts.
export function long(seconds) {
  if (seconds == null) return "–";
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes && whole % 60 === 0) return `${minutes} min`;
  return minutes ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}

export function bytes(count) {
  if (count == null) return "–";
  if (count < 1e6) return `${Math.round(count / 1e3)} KB`;
  return `${(count / 1e6).toFixed(count < 1e8 ? 1 : 0)} MB`;
}

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString();

export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;

export const sessionName = (session) => session.name || `Session ${session.id.slice(0, 8)}`;

export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// What a line of a log says, if it is JSON as that of bedrock_agentcore's; else the line.
export function readable(line) {
  if (!line.startsWith("{")) return line;
  try {
    const { timestamp, level, message, stackTrace } = JSON.parse(line);
    if (typeof message !== "string") return line;
    const trace = stackTrace ? ["\n", ...[stackTrace].flat()].join("").trimEnd() : "";
    const time = Number.isNaN(Date.parse(timestamp)) ? "" : `${clock(Date.parse(timestamp) / 1000)} `;
    return `${time}${level ?? ""} ${message}${trace}`;
  } catch {
    return line;
  }
}

// Colours and cursor movements, which only a terminal understands.
export const withoutEscapes = (text) => text.replace(/\x1b(\[[0-9;?]*[ -/]*[@-~]|\][^\x07]*\x07)/g, "");
