import { change, draft } from './draft.js';
import type { Analyzer, Approval } from './draft-fields.js';

const POLICIES: readonly { value: Approval; label: string; help: string }[] = [
  { value: 'never', label: 'Never ask', help: 'The agent does everything without you.' },
  { value: 'risky', label: 'Ask before risky actions', help: 'It waits before what may do harm.' },
  { value: 'always', label: 'Ask before every action', help: 'It waits before each command and change.' },
];
const ANALYZERS: readonly { value: Analyzer; label: string }[] = [
  { value: 'rules', label: 'Fixed rules: commands known to be dangerous' },
  { value: 'model', label: 'The model: it states the risk of each action' },
  { value: 'both', label: 'Both: the higher risk counts' },
];

/** When the agent waits for a person. */
export function ApprovalField({ problem }: { problem: string | undefined }) {
  const { approval, analyzer } = draft.value;
  return (
    <fieldset class="new-fieldset" aria-describedby={problem === undefined ? undefined : 'approval-problem'}>
      <legend>Approval</legend>
      {POLICIES.map(({ value, label, help }, index) => (
        <label key={value} class="new-choice">
          <input
            id={index === 0 ? 'approval' : undefined}
            type="radio"
            name="approval"
            checked={approval === value}
            onChange={() => change({ approval: value })}
          />
          <span>
            {label}
            <small>{help}</small>
          </span>
        </label>
      ))}
      {approval === 'risky' && (
        <div class="field">
          <label for="analyzer">Who assesses the risk</label>
          <select
            id="analyzer"
            value={analyzer}
            onChange={(event) => change({ analyzer: analyzerOf(event.currentTarget.value) })}
          >
            {ANALYZERS.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </div>
      )}
      {problem !== undefined && (
        <p id="approval-problem" class="field-problem">
          {problem}
        </p>
      )}
    </fieldset>
  );
}

function analyzerOf(value: string): Analyzer {
  return ANALYZERS.find((entry) => entry.value === value)?.value ?? 'rules';
}
