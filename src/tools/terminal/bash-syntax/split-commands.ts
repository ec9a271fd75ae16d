import { BashScanner, UnclearSyntax } from './bash-scanner.js';

/** Words that open a construct, and the word that closes it. */
const CLOSERS: Readonly<Record<string, string>> = {
  if: 'fi',
  case: 'esac',
  for: 'done',
  select: 'done',
  while: 'done',
  until: 'done',
  '{': '}',
  '[[': ']]',
};
const CLOSING_WORDS = new Set(Object.values(CLOSERS));
/** After these another command word follows. */
const COMMAND_FOLLOWS = new Set([
  'while',
  'until',
  'if',
  '{',
  'then',
  'do',
  'else',
  'elif',
  '!',
  'time',
  'coproc',
]);
const ASSIGNMENT = /^[A-Za-z_]\w*(\[[^\]]*\])?\+?=/;
const CONTINUING_OPERATORS = ['&&', '||', '|&', '|'];
const ENDING_OPERATORS = [';;&', ';;', ';&', ';', '&'];
const REDIRECTIONS = ['&>>', '&>', '<<<', '>>', '>&', '<&', '<>', '>|', '<', '>'];

/**
 * The commands of a text that bash would read one after the other because a line end separates them; `a; b`
 * and `a && b` are one. Quotes, here-documents, comments, continued lines, compound commands and functions
 * are kept together.
 *
 * It knows bash's grammar only as far as this needs. What it cannot make sense of (an open quote, an
 * unmatched `fi`, aliases that open constructs) comes back as one command: bash itself is the better judge
 * then.
 */
export function splitCommands(text: string): string[] {
  try {
    return new CommandSplitter(text).split();
  } catch (error) {
    // RangeError: nested deeper than the stack.
    if (error instanceof UnclearSyntax || error instanceof RangeError) return [text.trim()];
    throw error;
  }
}

/** Where a list of commands stands. */
interface ListState {
  /** What must come before the list can end, innermost last. */
  open: string[];
  /** A command word, and with it a reserved word, may come here. */
  commandPosition: boolean;
  /** The command goes on after a line end: an operator or the head of a function came before. */
  continues: boolean;
  /** The word before, when it stood in command position. */
  commandWord: string;
  hasContent: boolean;
}

class CommandSplitter {
  private readonly scanner: BashScanner;
  private readonly commands: string[] = [];
  private start = 0;

  constructor(private readonly text: string) {
    this.scanner = new BashScanner(text, () => this.list(true));
  }

  split(): string[] {
    this.list(false);
    return this.commands;
  }

  /** Passes a list of commands; a nested one ends after its `)`, ours at the end of the text. */
  private list(nested: boolean): void {
    const state = newList();
    for (;;) {
      this.scanner.skipBlanks();
      if (this.scanner.atEnd) return this.endOfText(nested, state);
      if (this.scanner.sees('\n')) this.lineEnd(nested, state);
      else if (nested && state.open.length === 0 && this.scanner.sees(')')) {
        this.scanner.position += 1;
        return;
      } else this.token(state);
    }
  }

  private endOfText(nested: boolean, state: ListState): void {
    if (nested || state.open.length > 0 || state.continues) throw new UnclearSyntax('end of text');
    if (state.hasContent) this.commands.push(this.text.slice(this.start).trim());
  }

  private lineEnd(nested: boolean, state: ListState): void {
    const end = this.scanner.position;
    this.scanner.lineEnd();
    state.commandPosition = true;
    state.commandWord = '';
    if (nested || state.open.length > 0 || state.continues || !state.hasContent) return;
    // The bodies of here-documents belong to the command.
    const bodiesEnd = this.scanner.position;
    this.commands.push(this.text.slice(this.start, Math.max(end, bodiesEnd)).trim());
    this.start = bodiesEnd;
    state.hasContent = false;
  }

  private token(state: ListState): void {
    state.hasContent = true;
    const continuing = CONTINUING_OPERATORS.find((operator) => this.scanner.sees(operator));
    const redirection = REDIRECTIONS.find((operator) => this.scanner.sees(operator));
    const ending = ENDING_OPERATORS.find((operator) => this.scanner.sees(operator));
    if (this.scanner.sees('<(') || this.scanner.sees('>(')) this.processSubstitution(state);
    else if (this.scanner.sees('<<') && redirection !== '<<<') this.scanner.heredocStart();
    else if (redirection) this.redirection(redirection);
    else if (continuing) this.operator(state, continuing, true);
    else if (ending) this.operator(state, ending, false);
    else if (this.scanner.sees('(')) this.opening(state);
    else if (this.scanner.sees(')')) this.closing(state);
    else this.word(state);
  }

  private operator(state: ListState, operator: string, continues: boolean): void {
    this.scanner.position += operator.length;
    state.continues = continues;
    state.commandPosition = true;
    state.commandWord = '';
  }

  private redirection(operator: string): void {
    this.scanner.position += operator.length;
    this.scanner.skipBlanks();
    this.scanner.word();
  }

  private processSubstitution(state: ListState): void {
    this.scanner.position += 2;
    this.list(true);
    state.continues = false;
  }

  private opening(state: ListState): void {
    const arithmetic = state.commandPosition || state.commandWord === 'for';
    if (arithmetic && this.scanner.sees('((') && this.scanner.arithmetic()) {
      state.continues = false;
      return;
    }
    this.scanner.position += 1;
    if (state.commandWord !== '') {
      this.scanner.skipBlanks();
      if (this.scanner.sees(')')) return this.functionHead(state);
    }
    state.open.push(')');
    state.continues = false;
    state.commandPosition = true;
    state.commandWord = '';
  }

  private functionHead(state: ListState): void {
    this.scanner.position += 1;
    state.continues = true;
    state.commandPosition = true;
    state.commandWord = '';
  }

  private closing(state: ListState): void {
    this.scanner.position += 1;
    const innermost = state.open.at(-1);
    if (innermost === ')') state.open.pop();
    // The end of a pattern of `case`.
    else if (innermost !== 'esac') throw new UnclearSyntax(')');
    state.continues = false;
    state.commandPosition = true;
    state.commandWord = '';
  }

  private word(state: ListState): void {
    const word = this.scanner.word();
    if (word === '') throw new UnclearSyntax('word');
    const functionName = state.commandWord === 'function';
    state.continues = functionName;
    if (!state.commandPosition) {
      if (word === ']]' && state.open.at(-1) === ']]') state.open.pop();
      // `function name {`
      state.commandPosition = functionName;
      if (state.commandWord !== 'for') state.commandWord = '';
      return;
    }
    if (CLOSING_WORDS.has(word)) return this.closingWord(state, word);
    const closer = Object.hasOwn(CLOSERS, word) ? CLOSERS[word] : undefined;
    if (closer) state.open.push(closer);
    state.commandPosition = COMMAND_FOLLOWS.has(word) || ASSIGNMENT.test(word);
    state.commandWord = word;
  }

  private closingWord(state: ListState, word: string): void {
    // In `case`, any word can be a pattern.
    if (state.open.at(-1) !== word) throw new UnclearSyntax(word);
    state.open.pop();
    state.commandWord = '';
  }
}

function newList(): ListState {
  return { open: [], commandPosition: true, continues: false, commandWord: '', hasContent: false };
}
