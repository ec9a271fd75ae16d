import path from 'node:path';
import { textContent, type Observation } from '../../events/index.js';
import { FileRefusal } from '../../files/index.js';
import { ToolExecutionError, type Tool, type ToolDefinition, type ToolInvocation } from '../tool.js';
import { filesOf, type ToolHost } from '../tool-host.js';
import { FileToolError } from '../text-files/file-tool-error.js';
import { FileEditor, type EditorCommand, type EditorRequest } from './file-editor.js';
import { tidyPath } from '../text-files/file-path.js';
import { FileRefusedError } from '../text-files/text-file.js';

const COMMANDS: readonly EditorCommand[] = ['view', 'create', 'str_replace', 'insert', 'undo_edit'];

/** Lets the agent view and edit files: exact replacements, snippets of the result, and undo. */
export const fileEditorDefinition: ToolDefinition = {
  name: 'file_editor',
  kind: 'FileEditorTool',
  actionKind: 'FileEditorAction',
  observationKind: 'FileEditorObservation',
  title: 'file_editor',
  description:
    'Custom editing tool for viewing, creating and editing files in plain-text format\n' +
    '* Paths are absolute. What was edited before stays so for all later calls.\n' +
    '* `view` shows a text file with line numbers like `cat -n`, a directory two levels deep without hidden entries, ' +
    'and an image (.png, .jpg, .jpeg, .gif, .webp, .bmp) as an image.\n' +
    '* `create` writes a new file in a directory that exists; it never overwrites one.\n' +
    '* Output that is too long loses its middle, marked with `<response clipped>`; use `view_range` to see the rest.\n' +
    '* `undo_edit` takes back the last edit of the file at `path`, up to ten in a row.\n\n' +
    'Before you edit: view the file, so that you know what it says now and what its style is. For a new file check ' +
    'that its directory is the right one.\n\n' +
    'For `str_replace`:\n' +
    '* `old_str` has to match one or more consecutive lines exactly, white space included, and occur only once: add ' +
    'a few lines around it to make it unique.\n' +
    '* `new_str` is what takes its place and has to be different; an empty one deletes.\n\n' +
    'Several edits of one file can follow each other in one message, each with its own call.',
  annotations: {
    title: 'file_editor',
    readOnlyHint: false,
    destructiveHint: true,
    idempotentHint: false,
    openWorldHint: false,
  },
  schema: {
    type: 'object',
    properties: {
      command: {
        type: 'string',
        description:
          'The commands to run. Allowed options are: `view`, `create`, `str_replace`, `insert`, `undo_edit`.',
        enum: [...COMMANDS],
      },
      path: { type: 'string', description: 'Absolute path to file or directory.' },
      file_text: {
        type: 'string',
        description: 'Required parameter of `create` command, with the content of the file to be created.',
      },
      old_str: {
        type: 'string',
        description:
          'Required parameter of `str_replace` command containing the string in `path` to replace.',
      },
      new_str: {
        type: 'string',
        description:
          'Required parameter of `str_replace` command containing the new string (an empty one deletes `old_str`). ' +
          'Required parameter of `insert` command containing the string to insert.',
      },
      insert_line: {
        type: 'integer',
        description:
          'Required parameter of `insert` command. The `new_str` will be inserted AFTER the line `insert_line` of ' +
          '`path`.',
        minimum: 0,
      },
      view_range: {
        type: 'array',
        items: { type: 'integer' },
        description:
          'Optional parameter of `view` command when `path` points to a file. If none is given, the full file is ' +
          'shown. If provided, the file will be shown in the indicated line number range, e.g. [11, 12] will show ' +
          'lines 11 and 12. Lines count from 1; [start_line, -1] shows all lines from `start_line` to the end.',
      },
    },
    required: ['command', 'path'],
  },
  create: (host) => new FileEditorTool(fileEditorDefinition, host),
};

/** Restricts what an editor may do. */
export interface EditorLimits {
  /** Called before each command. @throws FileToolError if the command is not allowed */
  check: (request: EditorRequest) => Promise<void>;
}

/** The editor as a tool. With limits, its observations do not contain file contents. */
export class FileEditorTool implements Tool {
  private readonly editor: FileEditor;

  constructor(
    readonly definition: ToolDefinition,
    private readonly host: ToolHost,
    private readonly limits?: EditorLimits,
  ) {
    const mask = (text: string): string => host.secrets?.mask(text) ?? text;
    const history = path.join(host.folder, 'edit-history');
    this.editor = new FileEditor(host.workingDir, history, mask, filesOf(host));
  }

  prepare(args: Record<string, unknown>): ToolInvocation {
    return {
      action: { ...args, kind: this.definition.actionKind },
      touches: () => {
        const file = typeof args['path'] === 'string' ? tidyPath(args['path']) : '.';
        const key = path.resolve(this.host.workingDir, file);
        return [{ kind: 'file', key, ...(args['command'] === 'view' && { isOnlyRead: true }) }];
      },
      execute: () => this.execute(toRequest(args)),
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  private async execute(request: EditorRequest): Promise<Observation> {
    const { command } = request;
    const kind = this.definition.observationKind;
    try {
      await this.limits?.check(request);
      const { content, path: file, prev_exist, ...contents } = await this.editor.run(request);
      const result = { command, path: file, prev_exist, ...(this.limits ? {} : contents) };
      return { content, is_error: false, ...result, kind };
    } catch (error) {
      if (!isForModel(error)) throw error;
      return { content: [textContent(error.message)], is_error: true, command, prev_exist: true, kind };
    }
  }
}

function isForModel(error: unknown): error is Error {
  return error instanceof FileToolError || error instanceof FileRefusedError || error instanceof FileRefusal;
}

/** Converts validated arguments, which may come from a stored action. */
function toRequest(args: Record<string, unknown>): EditorRequest {
  const command = COMMANDS.find((known) => known === args['command']);
  const file = textOrUndefined(args['path']);
  if (!command || file === undefined) throw new ToolExecutionError('command and path are required');
  const { insert_line: insertLine, view_range: range } = args;
  return {
    command,
    path: file,
    file_text: textOrUndefined(args['file_text']),
    old_str: textOrUndefined(args['old_str']),
    new_str: textOrUndefined(args['new_str']),
    insert_line: typeof insertLine === 'number' ? insertLine : undefined,
    view_range: Array.isArray(range) ? range.map(Number) : undefined,
  };
}

function textOrUndefined(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
