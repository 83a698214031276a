// The address: #/boards/w3 is that board opened, anything else is the rack. Pure but for the last function.

const PREFIX = "#/boards/";

/** The board that a location's hash opens; null for the rack. */
export function boardIn(hash: string): string | null {
  if (!hash.startsWith(PREFIX)) return null;
  try {
    return decodeURIComponent(hash.slice(PREFIX.length)) || null;
  } catch {
    return null;
  }
}

export function hashOf(board: string | null): string {
  return board === null ? "#/" : PREFIX + encodeURIComponent(board);
}

export function go(board: string | null): void {
  location.hash = hashOf(board);
}
