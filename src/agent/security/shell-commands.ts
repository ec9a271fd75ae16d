/** A word of a command. `dynamic`: its value is only known at run time. */
export interface ShellWord {
  text: string;
  dynamic: boolean;
}

/** A simple command and the source of its input. */
export interface ShellCommand {
  words: ShellWord[];
  /** The command whose output is piped into this one. */
  input?: ShellCommand;
  /** Targets of output redirections. */
  outputs: ShellWord[];
  /** Commands in `$(...)`, backticks and `<(...)` within its words. */
  substituted: ShellCommand[];
}

/** Deeper nesting is not parsed. */
const MAX_DEPTH = 8;

/**
 * Parses the simple commands of a shell text, with enough of the grammar to tell commands from arguments.
 * Anything else counts as a word. Never throws.
 */
export function shellCommands(text: string, depth = 0): ShellCommand[] {
  return new CommandReader(text, depth).read();
}

class CommandReader {
  private at = 0;
  private readonly commands: ShellCommand[] = [];
  private current = emptyCommand();

  constructor(
    private readonly text: string,
    private readonly depth: number,
  ) {}

  read(): ShellCommand[] {
    while (this.at < this.text.length) this.next();
    this.end(false);
    return this.commands;
  }

  private next(): void {
    const rest = this.text.slice(this.at, this.at + 2);
    const character = rest.charAt(0);
    if (rest === '<(' || rest === '>(') return this.word();
    if (/[ \t\r]/.test(character)) this.at += 1;
    else if (character === '#') this.skipComment();
    else if (character === '>' || rest === '&>') this.redirection();
    else if (character === '<') this.at += 1;
    else if (/[\n;&|(){}]/.test(character) && !this.isBraceWord(character)) this.operator(rest);
    else this.word();
  }

  /** `{` and `}` group commands only when they stand alone. */
  private isBraceWord(character: string): boolean {
    return '{}'.includes(character) && /[^\s;]/.test(this.text.charAt(this.at + 1) || ' ');
  }

  private operator(rest: string): void {
    const isPipe = rest.startsWith('|') && rest !== '||';
    this.at += ['||', '&&', ';;', '|&'].includes(rest) ? 2 : 1;
    this.end(isPipe || rest === '|&');
  }

  private end(isPiped: boolean): void {
    const { current } = this;
    const isEmpty = current.words.length === 0 && current.outputs.length === 0;
    if (!isEmpty) this.commands.push(current);
    this.current = emptyCommand();
    if (isPiped && !isEmpty) this.current.input = current;
  }

  private skipComment(): void {
    const end = this.text.indexOf('\n', this.at);
    this.at = end === -1 ? this.text.length : end;
  }

  private redirection(): void {
    while (/[>&|\d]/.test(this.text.charAt(this.at))) this.at += 1;
    while (/[ \t]/.test(this.text.charAt(this.at))) this.at += 1;
    const target = this.readWord();
    if (target.text !== '') this.current.outputs.push(target);
  }

  private word(): void {
    const start = this.at;
    const word = this.readWord();
    // Always advance, whatever the character.
    if (this.at === start) this.at += 1;
    else this.current.words.push(word);
  }

  private readWord(): ShellWord {
    const word: ShellWord = { text: '', dynamic: false };
    while (this.at < this.text.length) {
      const character = this.text.charAt(this.at);
      const pair = this.text.slice(this.at, this.at + 2);
      if (pair === '<(' || pair === '>(') this.substitution(word, 2, ')');
      else if (/[\s;&|<>()]/.test(character)) break;
      else if (character === "'") this.singleQuoted(word);
      else if (character === '"') this.doubleQuoted(word);
      else if (character === '\\') this.escaped(word);
      else if (character === '$' || character === '`') this.expansion(word);
      else {
        if (/[*?[]/.test(character)) word.dynamic = true;
        word.text += character;
        this.at += 1;
      }
    }
    return word;
  }

  private singleQuoted(word: ShellWord): void {
    const end = this.text.indexOf("'", this.at + 1);
    const stop = end === -1 ? this.text.length : end;
    word.text += this.text.slice(this.at + 1, stop);
    this.at = stop + 1;
  }

  private doubleQuoted(word: ShellWord): void {
    this.at += 1;
    while (this.at < this.text.length && this.text.charAt(this.at) !== '"') {
      const character = this.text.charAt(this.at);
      if (character === '\\') this.escaped(word);
      else if (character === '$' || character === '`') this.expansion(word);
      else {
        word.text += character;
        this.at += 1;
      }
    }
    this.at += 1;
  }

  private escaped(word: ShellWord): void {
    const character = this.text.charAt(this.at + 1);
    if (character !== '\n') word.text += character;
    this.at += 2;
  }

  private expansion(word: ShellWord): void {
    if (this.text.startsWith('$(', this.at)) return this.substitution(word, 2, ')');
    if (this.text.startsWith('`', this.at)) return this.substitution(word, 1, '`');
    const name = /^\$(?:\{[^}]*\}|\w+|.)?/.exec(this.text.slice(this.at, this.at + 200))?.[0] ?? '$';
    word.text += name;
    word.dynamic = true;
    this.at += name.length;
  }

  /**
   * Command substitution. Its end is found without regard to quotes: a parenthesis within quotes ends it
   * early.
   */
  private substitution(word: ShellWord, opening: number, closing: string): void {
    let level = 1;
    let end = this.at + opening;
    for (; end < this.text.length; end++) {
      const character = this.text.charAt(end);
      if (closing === ')' && character === '(') level += 1;
      if (character === closing && --level === 0) break;
    }
    const inside = this.text.slice(this.at + opening, end);
    if (this.depth < MAX_DEPTH) this.current.substituted.push(...shellCommands(inside, this.depth + 1));
    word.text += this.text.slice(this.at, end + 1);
    word.dynamic = true;
    this.at = end + 1;
  }
}

function emptyCommand(): ShellCommand {
  return { words: [], outputs: [], substituted: [] };
}
