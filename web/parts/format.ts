/** Times, lengths and sizes as people read them. All times are UTC: records are compared across places. */

/** `2026-11-21 12:30:22` of an ISO 8601 time. */
export function dateTime(iso: string): string {
  return iso.slice(0, 19).replace('T', ' ');
}

/** `00:31.9`, `1:02:03` */
export function clockTime(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  if (hours > 0) return `${hours}:${two(minutes)}:${two(Math.floor(seconds % 60))}`;
  const tenths = Math.floor((seconds % 60) * 10) / 10;
  return `${two(minutes)}:${tenths.toFixed(1).padStart(4, '0')}`;
}

/** `38 ms`, `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min` */
export function length(ms: number): string {
  if (ms < 100) return `${Math.max(0, Math.floor(ms))} ms`;
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `just now`, `5 min ago`, `3 h ago`, `12 days ago` */
export function ago(iso: string, nowMs: number): string {
  const minutes = Math.floor((nowMs - Date.parse(iso)) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ago`;
  return `${Math.floor(hours / 24)} days ago`;
}

/** `812 B`, `1.2 KB`, `3.4 MB`; decimal units. */
export function size(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? 'B'}`;
}

export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}
