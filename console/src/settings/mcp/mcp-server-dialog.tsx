import { useSignal } from '@preact/signals';
import { ApiError } from '../../api/api-error.js';
import { api, call } from '../../api/client.js';
import { Dialog } from '../../ui/dialog.js';
import { Field, TextField } from '../../ui/field.js';
import { showToast } from '../../ui/toast.js';
import { NO_PROBLEMS, problemsOf, type FormProblems } from '../../ui/form-problems.js';
import { StoreFoot } from '../../ui/store-foot.js';
import { MASK } from '../mask.js';
import type { McpServer } from './mcp-server.js';

const PATHS = ['command', 'args', 'env', 'cwd', 'url', 'headers', 'description', 'transport'];

/** Adds an MCP server or changes one. @param stored null for a new one */
export function McpServerDialog({
  stored,
  onClose,
}: {
  stored: [string, McpServer] | null;
  onClose: (changed: boolean) => void;
}) {
  const [oldName, old] = stored ?? ['', {}];
  const name = useSignal(oldName);
  const kind = useSignal<'program' | 'address'>(typeof old.url === 'string' ? 'address' : 'program');
  const command = useSignal(old.command ?? '');
  const args = useSignal((old.args ?? []).join('\n'));
  const env = useSignal(linesOf(old.env, '='));
  const url = useSignal(old.url ?? '');
  const headers = useSignal(linesOf(old.headers, ': '));
  const description = useSignal(old.description ?? '');
  const enabled = useSignal(old.enabled ?? true);
  const problems = useSignal<FormProblems>(NO_PROBLEMS);
  const isBusy = useSignal(false);

  const save = async (): Promise<void> => {
    const settings_key = name.value.trim();
    if (settings_key === '') {
      problems.value = { fields: { name: 'What is it called?' }, other: undefined };
      return;
    }
    isBusy.value = true;
    problems.value = NO_PROBLEMS;
    const isProgram = kind.value === 'program';
    const common = { description: description.value.trim() || null, enabled: enabled.value };
    try {
      const variables = isProgram ? pairsOf(env.value, '=', 'env') : {};
      const fields = isProgram ? {} : pairsOf(headers.value, ':', 'headers');
      const params = { path: { settings_key } };
      if (stored === null) {
        const body: McpServer = isProgram
          ? { ...common, command: command.value.trim(), args: nonEmptyLines(args.value), env: variables }
          : { ...common, url: url.value.trim(), headers: fields };
        await call(api.POST('/api/settings/mcp/{settings_key}', { params, body }));
      } else {
        const body = isProgram
          ? {
              ...common,
              command: command.value.trim(),
              args: nonEmptyLines(args.value),
              env: changesOf(old.env, variables),
              ...(typeof old.url === 'string' && { url: null, headers: null, auth: null, transport: null }),
            }
          : {
              ...common,
              url: url.value.trim(),
              headers: changesOf(old.headers, fields),
              ...(typeof old.command === 'string' && {
                command: null,
                args: null,
                env: null,
                cwd: null,
                transport: null,
              }),
            };
        await call(api.PATCH('/api/settings/mcp/{settings_key}', { params, body }));
      }
      showToast(`The MCP server ${settings_key} was stored.`);
      onClose(true);
    } catch (error) {
      problems.value = problemsOf(error, PATHS, () =>
        error instanceof ApiError && error.status === 409 ? 'name' : undefined,
      );
      isBusy.value = false;
    }
  };
  const { fields, other } = problems.value;
  return (
    <Dialog
      title={stored === null ? 'Add an MCP server' : `MCP server ${oldName}`}
      onClose={() => onClose(false)}
    >
      <form
        class="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        {stored === null && (
          <TextField
            label="Name"
            help="Tools of the server are named after it."
            placeholder="github"
            autofocus
            value={name.value}
            problem={fields['name']}
            onValue={(text) => (name.value = text)}
          />
        )}
        <fieldset class="kind-choices">
          <legend>It is</legend>
          {(
            [
              ['program', 'a program on this server'],
              ['address', 'an address'],
            ] as const
          ).map(([value, label]) => (
            <label key={value} class="check">
              <input
                type="radio"
                name="mcp-kind"
                checked={kind.value === value}
                onChange={() => (kind.value = value)}
              />
              {label}
            </label>
          ))}
        </fieldset>
        {kind.value === 'program' ? (
          <>
            <TextField
              label="Program"
              placeholder="npx"
              value={command.value}
              problem={fields['command']}
              onValue={(text) => (command.value = text)}
            />
            <LinesField
              label="Arguments"
              help="One on each line."
              value={args.value}
              problem={fields['args']}
              onValue={(text) => (args.value = text)}
            />
            <LinesField
              label="Environment variables"
              help="NAME=value, one on each line. $NAME in a value stands for a secret. Stored values are masked."
              value={env.value}
              problem={fields['env']}
              onValue={(text) => (env.value = text)}
            />
          </>
        ) : (
          <>
            <TextField
              label="URL"
              placeholder="https://mcp.example.com/mcp"
              value={url.value}
              problem={fields['url']}
              onValue={(text) => (url.value = text)}
            />
            <LinesField
              label="Headers"
              help="Name: value, one on each line. $NAME in a value stands for a secret. Stored values are masked."
              value={headers.value}
              problem={fields['headers']}
              onValue={(text) => (headers.value = text)}
            />
          </>
        )}
        <TextField
          label="Description"
          value={description.value}
          problem={fields['description']}
          onValue={(text) => (description.value = text)}
        />
        <label class="check">
          <input
            type="checkbox"
            checked={enabled.value}
            onChange={(event) => (enabled.value = event.currentTarget.checked)}
          />
          Agents use it
        </label>
        <StoreFoot problem={other} isBusy={isBusy.value} onCancel={() => onClose(false)} />
      </form>
    </Dialog>
  );
}

function LinesField({
  label,
  help,
  value,
  problem,
  onValue,
}: {
  label: string;
  help: string;
  value: string;
  problem: string | undefined;
  onValue: (value: string) => void;
}) {
  return (
    <Field label={label} help={help} problem={problem}>
      {(attributes) => (
        <textarea
          {...attributes}
          rows={Math.min(8, Math.max(2, value.split('\n').length))}
          spellcheck={false}
          autocomplete="off"
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}

function nonEmptyLines(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function linesOf(values: McpServer['env'], separator: string): string {
  return Object.entries(values ?? {})
    .map(([name, value]) => `${name}${separator}${value ?? ''}`)
    .join('\n');
}

/** @throws ApiError for a line without a separator */
function pairsOf(text: string, separator: string, field: string): Record<string, string> {
  return Object.fromEntries(
    nonEmptyLines(text).map((line) => {
      const at = line.indexOf(separator);
      if (at > 0) return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
      const message = `A line has no “${separator}” after a name.`;
      throw new ApiError(422, message, [{ path: field, message }]);
    }),
  );
}

/** What differs from the stored values: masked ones are kept, missing ones are removed. */
function changesOf(
  stored: McpServer['env'],
  wanted: Readonly<Record<string, string>>,
): Record<string, string | null> {
  const changes: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(wanted)) if (value !== MASK) changes[name] = value;
  for (const name of Object.keys(stored ?? {})) if (!(name in wanted)) changes[name] = null;
  return changes;
}
