const NAMED_KEYS: Readonly<Record<string, string>> = {
  UP: '\x1b[A',
  DOWN: '\x1b[B',
  RIGHT: '\x1b[C',
  LEFT: '\x1b[D',
  HOME: '\x1b[H',
  END: '\x1b[F',
  PGUP: '\x1b[5~',
  PGDN: '\x1b[6~',
  TAB: '\t',
  ESC: '\x1b',
  BS: '\x7f',
  ENTER: '\r',
};

const CONTROL_KEY = /^C-([A-Za-z])$/;

/** The sequence that xterm sends for a key name (`C-c`, `UP`, ...); undefined for other texts. */
export function keySequence(name: string): string | undefined {
  const letter = controlLetter(name);
  if (letter) return String.fromCharCode(letter.charCodeAt(0) & 0x1f);
  return Object.hasOwn(NAMED_KEYS, name) ? NAMED_KEYS[name] : undefined;
}

/** The upper-case letter of a control key: `C` for `C-c`; undefined for other texts. */
export function controlLetter(name: string): string | undefined {
  return CONTROL_KEY.exec(name)?.[1]?.toUpperCase();
}
