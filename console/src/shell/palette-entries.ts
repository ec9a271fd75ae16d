import type { Command } from '../ui/shortcuts.js';

const NAME = 'agent-server-console.recent-commands';
const MAX_RECENT = 6;

/** An entry of the palette. */
export interface Entry {
  label: string;
  group: string;
  keys?: string | undefined;
  run: () => void;
}

/** The commands that contain all words; without words those used last come first. */
export function matchingCommands(commands: readonly Command[], words: readonly string[]): Entry[] {
  const found = unique(commands).filter(({ label, group }) => {
    const text = `${group} ${label}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const recent = recentLabels();
  const rank = ({ label, group }: Entry): number => {
    const index = recent.indexOf(`${group}: ${label}`);
    return index === -1 ? recent.length : index;
  };
  if (words.length > 0)
    return found.sort((a, b) => startsAt(a, words) - startsAt(b, words) || rank(a) - rank(b));
  return found
    .sort((a, b) => rank(a) - rank(b))
    .map((entry) =>
      rank(entry) < recent.length ? { ...entry, group: `${entry.group} (used last)` } : entry,
    );
}

/** Remembers that a command was used. */
export function rememberCommand({ label, group }: Entry): void {
  const name = `${group.replace(/ \(used last\)$/, '')}: ${label}`;
  const recent = [name, ...recentLabels().filter((other) => other !== name)].slice(0, MAX_RECENT);
  try {
    localStorage.setItem(NAME, JSON.stringify(recent));
  } catch {
    // Storage is disabled: the order stays as it is.
  }
}

/** Words at the beginning of a label are meant more often than others. */
function startsAt({ label }: Entry, words: readonly string[]): number {
  return label.toLowerCase().startsWith(words[0] ?? '') ? 0 : 1;
}

function unique(commands: readonly Command[]): Command[] {
  const seen = new Set<string>();
  return commands.filter(({ label, group }) => {
    const name = `${group}: ${label}`;
    if (seen.has(name)) return false;
    seen.add(name);
    return true;
  });
}

function recentLabels(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(NAME) ?? '[]');
    return Array.isArray(kept) ? kept.filter((item) => typeof item === 'string').slice(0, MAX_RECENT) : [];
  } catch {
    return [];
  }
}
