import path from 'node:path';
import type { ActionEvent, SecurityRisk } from '../../events/index.js';
import { argumentTexts } from './action-texts.js';
import { highestRisk } from './risk.js';
import { shellCommands, type ShellCommand, type ShellWord } from './shell-commands.js';

/** Programs that execute their input. */
const SHELLS = /^(?:ba|da|z|k|fi)?sh$/;
const INTERPRETERS = /^(?:(?:ba|da|z|k|fi)?sh|python[\d.]*|perl|ruby|node|php)$/;
const DOWNLOADERS = ['curl', 'wget', 'fetch', 'aria2c'];
/** Programs that run the command given as arguments. */
const WRAPPERS = ['sudo', 'doas', 'env', 'nohup', 'nice', 'time', 'command', 'exec', 'builtin', 'xargs'];
/** Folders whose deletion breaks the system or destroys the user's files. */
const PROTECTED_FOLDER =
  /^(?:\/|\/(?:bin|boot|dev|etc|home|lib\w*|opt|proc|root|sbin|srv|sys|usr|var|Users|System|Library)(?:\/[^/]*)?)$/;
const DISK = /^\/dev\/(?!null$|zero$|full$|random$|urandom$|tty|pts\/|std(?:in|out|err)$|fd\/|shm\/)/;
/** Deeper nesting of `sh -c 'sh -c ...'` is not analysed. */
const MAX_DEPTH = 4;

/**
 * Fixed rules about shell commands, parsed as the shell does: executing a download, writing to a disk,
 * deleting protected folders. UNKNOWN if the effect is only known at run time.
 */
export function railRisk(action: ActionEvent): SecurityRisk {
  return worst(argumentTexts(action).flatMap((text) => risksIn(shellCommands(text), 0)));
}

function risksIn(commands: readonly ShellCommand[], depth: number): SecurityRisk[] {
  // A command follows the one that it reads from, so the pipe's source is known when its reader is checked.
  const downloading = new Set<ShellCommand>();
  return commands.flatMap((command) => {
    const readsDownload = command.input !== undefined && downloading.has(command.input);
    if (readsDownload || isDownload(command)) downloading.add(command);
    return [commandRisk(command, readsDownload, depth), ...risksIn(command.substituted, depth)];
  });
}

/** HIGH if any is; else UNKNOWN if any is; else LOW. */
function worst(risks: readonly SecurityRisk[]): SecurityRisk {
  const top = highestRisk(risks);
  if (top === 'HIGH') return 'HIGH';
  return risks.includes('UNKNOWN') ? 'UNKNOWN' : 'LOW';
}

/** @param readsDownload whether the command's input is a download */
function commandRisk(command: ShellCommand, readsDownload: boolean, depth: number): SecurityRisk {
  const words = withoutWrappers(command.words);
  const [name, ...args] = words;
  if (command.outputs.some(({ text }) => DISK.test(text))) return 'HIGH';
  if (!name) return 'LOW';
  const program = path.posix.basename(name.text);
  if (executesInput(program) && (readsDownload || command.substituted.some(isDownload))) return 'HIGH';
  const risks = [
    inlineRisk(program, args, depth),
    diskRisk(program, args),
    deletionRisk(program, args),
    // The name is a variable or glob, or a shell reads its commands from a pipe.
    name.dynamic || (SHELLS.test(program) && command.input && args.length === 0) ? 'UNKNOWN' : 'LOW',
  ] as const;
  return worst(risks);
}

/** The command without assignments and wrapper programs. */
function withoutWrappers(words: readonly ShellWord[]): ShellWord[] {
  let at = 0;
  for (;;) {
    const first = words[at];
    if (!first) return [];
    if (/^\w+=/.test(first.text)) at += 1;
    else if (WRAPPERS.includes(path.posix.basename(first.text)) && at + 1 < words.length) {
      at += 1;
      while (words[at]?.text.startsWith('-')) at += 1;
    } else return words.slice(at);
  }
}

function isDownload(command: ShellCommand): boolean {
  const [name] = withoutWrappers(command.words);
  return name !== undefined && DOWNLOADERS.includes(path.posix.basename(name.text));
}

/**
 * Whether a program executes its input, as in `curl ... | sh`, `sh <(curl ...)`, `sh -c "$(curl ...)"` and
 * `eval "$(curl ...)"`.
 */
function executesInput(program: string): boolean {
  return INTERPRETERS.test(program) || ['eval', 'source', '.'].includes(program);
}

/** The risk of the command text in `sh -c '...'` and `eval ...`. */
function inlineRisk(program: string, args: readonly ShellWord[], depth: number): SecurityRisk {
  const isEval = program === 'eval';
  const at = args.findIndex(({ text }) => /^-\w*c$/.test(text));
  const inline = isEval ? args : SHELLS.test(program) && at !== -1 ? args.slice(at + 1, at + 2) : [];
  if (inline.length === 0) return 'LOW';
  if (depth >= MAX_DEPTH || inline.some(({ text, dynamic }) => dynamic && /^["']?(?:\$|`)/.test(text))) {
    return 'UNKNOWN';
  }
  return worst(risksIn(shellCommands(inline.map(({ text }) => text).join(' ')), depth + 1));
}

function diskRisk(program: string, args: readonly ShellWord[]): SecurityRisk {
  if (/^mkfs(?:\.|$)/.test(program) || program === 'wipefs') return 'HIGH';
  if (program === 'dd' && args.some(({ text }) => text.startsWith('of=') && DISK.test(text.slice(3)))) {
    return 'HIGH';
  }
  return 'LOW';
}

function deletionRisk(program: string, args: readonly ShellWord[]): SecurityRisk {
  if (program === 'find') return findRisk(args);
  if (program !== 'rm') return 'LOW';
  const options = args.filter(({ text }) => text.startsWith('-')).map(({ text }) => text);
  const isRecursive = options.some((option) => /^-\w*[rR]|^--recursive$/.test(option));
  const isForced = options.some((option) => /^-\w*f|^--force$/.test(option));
  if (!isRecursive || !isForced) return 'LOW';
  return worst(args.filter(({ text }) => !text.startsWith('-')).map(targetRisk));
}

function findRisk(args: readonly ShellWord[]): SecurityRisk {
  if (!args.some(({ text }) => text === '-delete')) return 'LOW';
  const firstOption = args.findIndex(({ text }) => text.startsWith('-'));
  return worst(args.slice(0, firstOption).map(targetRisk));
}

function targetRisk({ text, dynamic }: ShellWord): SecurityRisk {
  const target = text.replace(/^(?:\$HOME|\$\{HOME\})(?=\/|$)/, '~');
  if (/^~\w*\/?\*?$/.test(target)) return 'HIGH';
  const folder = path.posix.normalize(target.replace(/\/\*$/, '/')).replace(/(.)\/$/, '$1');
  if (PROTECTED_FOLDER.test(folder)) return 'HIGH';
  return dynamic ? 'UNKNOWN' : 'LOW';
}
