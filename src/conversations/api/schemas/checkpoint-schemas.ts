import { objectSchema, type JsonSchema } from '../../../http/index.js';
import { list, NEXT_PAGE, orNull, ref, words } from './schema-parts.js';

const text: JsonSchema = { type: 'string' };
const moment: JsonSchema = { type: 'string', format: 'date-time' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const flag: JsonSchema = { type: 'boolean' };

const VERSION = {
  kind: [words('file', 'link'), '`link`: a symbolic link, whose content is its target.'],
  size: [count, 'Bytes of the content.'],
  mode: [text, 'Permissions in octal digits.'],
  sha256: [orNull(text), 'Hash of the content; null: it was too large or could not be read.'],
} as const;
const CHANGE = [words('created', 'modified', 'deleted'), 'What happened to the file.'] as const;

/** Schemas of checkpoints and restores. */
export function checkpointSchemas(): Record<string, JsonSchema> {
  return {
    FileVersion: objectSchema(VERSION),
    KeptFileVersion: objectSchema({
      ...VERSION,
      kept: [flag, 'The content is kept, so that it can be read and restored.'],
    }),
    CheckpointFile: objectSchema({
      path: [text, 'Path below the workspace.'],
      change: CHANGE,
      before: [orNull(ref('KeptFileVersion')), 'Before the step; null: there was no such file.'],
      after: [orNull(ref('KeptFileVersion')), 'After the step; null: there is no such file any more.'],
      renamed_from: [orNull(text), 'A file that the step has deleted and that had the same content.'],
    }),
    CheckpointProblem: objectSchema({
      reason: [
        words(
          ...[
            'too_many_files',
            'too_many_changes',
            'not_kept',
            'full',
            'outside',
            'unreadable',
            'interrupted',
          ],
        ),
        'Why the checkpoint does not have everything.',
      ],
      detail: [text, 'More about it.'],
    }),
    CheckpointRestore: objectSchema({
      step: [count, 'The step that was undone.'],
      mode: [words('since', 'only'), 'With all later ones, or alone.'],
      paths: [orNull(list(text)), 'The files that were asked for; null: all.'],
    }),
    Checkpoint: objectSchema({
      step: [count, 'The number of the checkpoint, from 1.'],
      event_id: [
        orNull(text),
        'The action; of a restore the message that tells of it; null: a turn of an ACP agent.',
      ],
      seq: [orNull(count), 'The number of that event; null: it is that of a sub-agent, or there is none.'],
      tool: [text, 'The tool; `restore` for a restore, `agent` for a turn of an ACP agent.'],
      started_at: [moment, 'When the step began.'],
      ended_at: [moment, 'When its changes were recorded.'],
      files: [list(ref('CheckpointFile')), 'The files that it has changed.'],
      incomplete: [list(ref('CheckpointProblem')), 'What is missing; usually nothing.'],
      restore: [orNull(ref('CheckpointRestore')), 'What a restore was asked for; null for other steps.'],
    }),
    CheckpointPage: objectSchema({
      items: [list(ref('Checkpoint')), 'The checkpoints, the newest first.'],
      next_page_id: NEXT_PAGE,
      dropped: [count, 'How many of the oldest checkpoints were dropped to make room.'],
      bytes: [count, 'Bytes that the checkpoints of the conversation take.'],
      max_bytes: [count, 'Bytes that they may take.'],
    }),
    CheckpointFileDiff: objectSchema({
      path: [text, 'Path below the workspace.'],
      change: CHANGE,
      before: [orNull(ref('FileVersion')), 'At the first moment; null: there was no such file.'],
      after: [orNull(ref('FileVersion')), 'At the second one; null: there was no such file.'],
      binary: [flag, 'The content is no text in UTF-8.'],
      diff: [orNull(text), 'Unified diff; null: see `omitted`.'],
      truncated: [flag, 'The end of `diff` is left out: it is longer than 1 MiB.'],
      omitted: [
        orNull(words('binary', 'not_kept', 'too_large', 'too_much')),
        'Why there is no diff: the file is binary, its content is not kept, it is larger than 1 MiB, or the answer is full; null: there is one.',
      ],
    }),
    CheckpointDiff: objectSchema({
      from: [{ anyOf: [text, count] }, '`beginning`, `now` or the number of a checkpoint.'],
      to: [{ anyOf: [text, count] }, 'The other moment, named as in `from`.'],
      files: [list(ref('CheckpointFileDiff')), 'The files that differ, sorted by path.'],
      truncated: [flag, 'More files differ.'],
    }),
    RestoreResult: objectSchema({
      checkpoint: [orNull(ref('Checkpoint')), 'The restore as a checkpoint; null: all files were as wanted.'],
      failed: [
        list(
          objectSchema({
            path: [text, 'Path below the workspace.'],
            reason: [text, 'The error of the system, or what has changed.'],
          }),
        ),
        'Files that could not be written or removed.',
      ],
    }),
  };
}
