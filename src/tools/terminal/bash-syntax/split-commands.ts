import { BashScanner, UnclearSyntaxError } from './bash-scanner.js';

/** Words that open a compound command, and the word that closes it. */
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
/** Words that are followed by another command word. */
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
 * Splits a text into the commands that are separated by line ends; `a; b` and `a && b` are one command.
 * Quotes, here-documents, comments, line continuations, compound commands and functions are kept together.
 *
 * Implements only the part of bash's grammar that is needed for this. A text that it cannot parse (an open
 * quote, an unmatched `fi`, aliases for keywords) is returned as one command, and bash reports the error.
 */
export function splitCommands(text: string): string[] {
  try {
    return new CommandSplitter(text).split();
  } catch (error) {
    // RangeError: stack overflow by deep nesting.
    if (error instanceof UnclearSyntaxError || error instanceof RangeError) return [text.trim()];
    throw error;
  }
}

/** The state of scanning a list of commands. */
interface ListState {
  /** The closers that are still missing, innermost last. */
  open: string[];
  /** Whether a command word (or reserved word) may follow. */
  commandPosition: boolean;
  /** Whether the command continues after a line end, because of an operator or a function head. */
  continues: boolean;
  /** The previous word, if it was in command position. */
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

  /** Scans a list of commands. A nested list ends after its `)`, the outer one at the end of the text. */
  private list(nested: boolean): void {
    const state = initialState();
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
    if (nested || state.open.length > 0 || state.continues) throw new UnclearSyntaxError('end of text');
    if (state.hasContent) this.commands.push(this.text.slice(this.start).trim());
  }

  private lineEnd(nested: boolean, state: ListState): void {
    const end = this.scanner.position;
    this.scanner.lineEnd();
    state.commandPosition = true;
    state.commandWord = '';
    if (nested || state.open.length > 0 || state.continues || !state.hasContent) return;
    // Here-document bodies belong to the command.
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
    // Ends a pattern of `case`.
    else if (innermost !== 'esac') throw new UnclearSyntaxError(')');
    state.continues = false;
    state.commandPosition = true;
    state.commandWord = '';
  }

  private word(state: ListState): void {
    const word = this.scanner.word();
    if (word === '') throw new UnclearSyntaxError('word');
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
    // Inside `case`, the word may be a pattern instead.
    if (state.open.at(-1) !== word) throw new UnclearSyntaxError(word);
    state.open.pop();
    state.commandWord = '';
  }
}

function initialState(): ListState {
  return { open: [], commandPosition: true, continues: false, commandWord: '', hasContent: false };
}
