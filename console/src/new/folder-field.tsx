import { api, call } from '../api/client.js';
import { Combobox, type Option } from '../ui/combobox.js';
import { Field } from '../ui/field.js';
import { useQuery } from '../api/use-query.js';
import { change, draft } from './draft.js';
import { remembered } from './remembered.js';

const PAUSE_MS = 120;
const MAX_OFFERS = 60;

/** Where the agent works: a folder used before, a known workspace, or any path, completed as in a shell. */
export function FolderField({ problem }: { problem: string | undefined }) {
  const { folder, worktree } = draft.value;
  const known = useQuery('known', loadKnown);
  const path = absolute(folder, known.data?.home);
  const parent = path === undefined ? null : path.slice(0, path.lastIndexOf('/') + 1);
  const below = useQuery(parent, (question, signal) => loadBelow(question, signal), PAUSE_MS);
  const start = path?.slice(parent?.length) ?? '';
  const isKnown = known.data?.options.some(({ value }) => value === folder) ?? false;
  const found = (below.data ?? []).filter(({ label }) => label.toLowerCase().startsWith(start.toLowerCase()));
  const isNew =
    path !== undefined &&
    start !== '' &&
    problem === undefined &&
    !below.isLoading &&
    !(below.data ?? []).some(({ label }) => label === start);
  const typed = folder.trim().toLowerCase();
  const matching = (known.data?.options ?? []).filter(
    ({ value }) => path === undefined || isKnown || value.toLowerCase().includes(typed),
  );
  const options = path === undefined || isKnown ? [...matching, ...found] : [...found, ...matching];
  return (
    <div class="new-group">
      <Field
        id="folder"
        label="Folder"
        problem={problem}
        help={
          path === undefined
            ? 'A path relative to the folder that the server was started in. It is created if it does not exist.'
            : isNew
              ? 'This folder does not exist yet. It is created at the start.'
              : 'A folder on the machine of the server. The agent reads and changes files there.'
        }
      >
        {(control) => (
          <Combobox
            id={control.id}
            describedBy={control['aria-describedby']}
            isInvalid={control['aria-invalid']}
            value={folder}
            options={unique(options).slice(0, MAX_OFFERS)}
            placeholder="/path/of/a/folder"
            onInput={(text) => change({ folder: text })}
            onChoose={({ value, goesOn }) => change({ folder: goesOn === true ? `${value}/` : value })}
          />
        )}
      </Field>
      <label class="check">
        <input
          type="checkbox"
          checked={worktree}
          onChange={(event) => change({ worktree: event.currentTarget.checked })}
        />
        Work in a new git worktree, so that this folder stays as it is
      </label>
    </div>
  );
}

/** `~` is the home folder. @returns undefined for a relative path */
function absolute(folder: string, home: string | undefined): string | undefined {
  if (folder.startsWith('/')) return folder;
  return folder.startsWith('~/') && home !== undefined ? home + folder.slice(1) : undefined;
}

async function loadKnown(): Promise<{ home: string; options: Option[] }> {
  const [{ home, favorites, locations }, { workspaces }] = await Promise.all([
    call(api.GET('/api/file/home')),
    call(api.GET('/api/workspaces')),
  ]);
  const options: Option[] = [
    ...remembered().folders.map((value) => ({ value, label: value, group: 'Used last' })),
    ...(workspaces ?? []).map(({ path, name }) => ({
      value: path,
      label: path,
      detail: name,
      group: 'Workspaces',
    })),
    { value: home, label: home, detail: 'Home', group: 'On the server', goesOn: true },
    ...favorites.map(({ path }) => ({ value: path, label: path, group: 'On the server', goesOn: true })),
    ...locations.map(({ path }) => ({
      value: path.replace(/\/$/, ''),
      label: path,
      group: 'On the server',
      goesOn: true,
    })),
  ];
  return { home, options: unique(options) };
}

async function loadBelow(parent: string, signal: AbortSignal): Promise<Option[]> {
  const path = parent === '/' ? parent : parent.replace(/\/+$/, '');
  const { items } = await call(api.GET('/api/file/search_subdirs', { params: { query: { path } }, signal }));
  return items.map((item) => ({
    value: item.path,
    label: item.name,
    group: `In ${parent}`,
    goesOn: true,
  }));
}

function unique(options: readonly Option[]): Option[] {
  return [...new Map(options.toReversed().map((option) => [option.value, option])).values()].reverse();
}
