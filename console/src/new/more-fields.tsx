import { Field } from '../ui/field.js';
import { change, draft } from './draft.js';
import type { SkillSources } from './draft-fields.js';
import type { Problems } from './start-request.js';

const SKILLS: readonly { name: keyof SkillSources; label: string }[] = [
  { name: 'load_project_skills', label: 'Skills and instructions of the folder (AGENTS.md)' },
  { name: 'load_user_skills', label: 'Installed skills and those of the home folder' },
  { name: 'load_public_skills', label: 'Public skills' },
  { name: 'load_memory', label: 'Memory (MEMORY.md)' },
];

/** How far one run may go. */
export function LimitFields({ problems }: { problems: Problems['fields'] }) {
  const { maxIterations, budget } = draft.value;
  const isOpen = problems.maxIterations !== undefined || problems.budget !== undefined;
  const summary = [
    budget === '' ? '' : `$${budget} a run`,
    maxIterations === '' ? '' : `${maxIterations} steps`,
  ].filter((part) => part !== '');
  return (
    <details class="new-details" open={isOpen}>
      <summary>
        Limits <small>{summary.join(', ') || 'no budget, 500 steps'}</small>
      </summary>
      <div class="new-pair">
        <Field
          id="budget"
          label="Budget of a run in USD"
          problem={problems.budget}
          help="The run ends when it is spent."
        >
          {(control) => (
            <input
              {...control}
              type="text"
              inputMode="decimal"
              placeholder="no limit"
              value={budget}
              onInput={(event) => change({ budget: event.currentTarget.value })}
            />
          )}
        </Field>
        <Field
          id="maxIterations"
          label="Steps of a run"
          problem={problems.maxIterations}
          help="A step is an answer of the model with its tool calls."
        >
          {(control) => (
            <input
              {...control}
              type="text"
              inputMode="numeric"
              placeholder="500"
              value={maxIterations}
              onInput={(event) => change({ maxIterations: event.currentTarget.value })}
            />
          )}
        </Field>
      </div>
    </details>
  );
}

/** What the agent knows and can besides its tools. */
export function SkillFields({ problems }: { problems: Problems['fields'] }) {
  const { skills, plugins, agentProfile } = draft.value;
  const isOpen = problems.skills !== undefined || problems.plugins !== undefined;
  return (
    <details class="new-details" open={isOpen}>
      <summary>Skills and plugins</summary>
      {agentProfile === null && (
        <fieldset class="new-fieldset" aria-label="Skills">
          {SKILLS.map(({ name, label }, index) => (
            <label key={name} class="check">
              <input
                id={index === 0 ? 'skills' : undefined}
                type="checkbox"
                checked={skills[name]}
                onChange={(event) => change({ skills: { ...skills, [name]: event.currentTarget.checked } })}
              />
              {label}
            </label>
          ))}
          {problems.skills !== undefined && <p class="field-problem">{problems.skills}</p>}
        </fieldset>
      )}
      <Field
        id="plugins"
        label="Plugins"
        problem={problems.plugins}
        help="A source in each line: a path on the server, github:owner/repository, or an address of git."
      >
        {(control) => (
          <textarea
            {...control}
            rows={2}
            spellcheck={false}
            value={plugins}
            onInput={(event) => change({ plugins: event.currentTarget.value })}
          />
        )}
      </Field>
    </details>
  );
}

/** How people find the conversation again. */
export function NameFields({ problems }: { problems: Problems['fields'] }) {
  const { title, tags } = draft.value;
  const isOpen = problems.title !== undefined || problems.tags !== undefined;
  const summary = [title, tags].filter((part) => part !== '').join(', ');
  return (
    <details class="new-details" open={isOpen}>
      <summary>
        Title and tags <small>{summary}</small>
      </summary>
      <Field
        id="title"
        label="Title"
        problem={problems.title}
        help="Without one, it is made from the first message."
      >
        {(control) => (
          <input
            {...control}
            type="text"
            maxLength={200}
            value={title}
            onInput={(event) => change({ title: event.currentTarget.value })}
          />
        )}
      </Field>
      <Field
        id="tags"
        label="Tags"
        problem={problems.tags}
        help="To filter by, such as team=docs, ticket=1234. Names are lower-case letters and digits."
      >
        {(control) => (
          <input
            {...control}
            type="text"
            spellcheck={false}
            placeholder="team=docs"
            value={tags}
            onInput={(event) => change({ tags: event.currentTarget.value })}
          />
        )}
      </Field>
    </details>
  );
}
