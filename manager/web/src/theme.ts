// Light or dark: the system's choice until the reader makes one, which is then kept. Storage may be forbidden
// or hold anything; the page works the same without it.

export type Theme = "auto" | "light" | "dark";

const KEY = "pirack.theme";
const ORDER: readonly Theme[] = ["auto", "light", "dark"];

/** What the storage holds, if it is a theme. */
export function themeFrom(stored: string | null): Theme {
  return ORDER.find((theme) => theme === stored) ?? "auto";
}

export function nextTheme(theme: Theme): Theme {
  return ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length] ?? "auto";
}

export function currentTheme(): Theme {
  return themeFrom(document.documentElement.dataset.theme ?? null);
}

/** Called before the body is parsed, so that no other theme flashes up first. */
export function restoreTheme(): void {
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(KEY);
  } catch {
    // Storage is forbidden: the system's choice then.
  }
  document.documentElement.dataset.theme = themeFrom(stored);
}

export function setTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds for this page at least.
  }
}
