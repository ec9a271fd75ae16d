import { Field, integer, nullable, OptionalBody, text } from '../../http/index.js';

/** Longest path of a folder or program, as Linux has it (`PATH_MAX`). */
const MAX_PATH = 4096;
const MAX_TITLE = 200;
/** Larger terminals have no use, and programs allocate memory by the size. */
const MAX_SIDE = 1000;

const rows = integer({ gt: 0, le: MAX_SIDE });
const cols = integer({ gt: 0, le: MAX_SIDE });

/** A terminal to open. */
@OptionalBody()
export class OpenTerminalDto {
  @Field(rows, 'Height in lines.')
  rows = 24;

  @Field(cols, 'Width in characters.')
  cols = 80;

  @Field(
    nullable(text({ min: 1, check: path })),
    'The folder that the shell starts in; null: that of the conversation or of the server.',
  )
  cwd: string | null = null;

  @Field(
    nullable(text({ min: 1, check: program })),
    'The shell: a name or a path, without arguments; null: `bash`.',
  )
  shell: string | null = null;

  @Field(nullable(text({ max: MAX_TITLE })), 'A name for people; null: none.')
  title: string | null = null;
}

/** A new size of a terminal. */
export class ResizeTerminalDto {
  @Field(rows, 'Height in lines.')
  rows!: number;

  @Field(cols, 'Width in characters.')
  cols!: number;
}

function path(value: string): string | undefined {
  if (value.length > MAX_PATH) return `a path has at most ${MAX_PATH} characters`;
  return value.includes('\0') ? 'a path has no NUL' : undefined;
}

function program(value: string): string | undefined {
  return value.startsWith('-') ? 'a program does not begin with a dash' : path(value);
}
