import { change } from './draft.js';
import { EXAMPLES } from './example-scripts.js';

/** Cards that fill the form with scripts which run. */
export function Examples({ onChosen }: { onChosen: () => void }) {
  return (
    <section class="new-examples" aria-labelledby="new-examples-title">
      <h2 id="new-examples-title">Examples to start with</h2>
      <p class="field-help">
        The scripted model needs no key. It understands no language: it carries out the lines of your message.{' '}
        <a href="../guides/docs/models.md#the-scripted-model" target="_blank" rel="noopener">
          What a script can do
        </a>
      </p>
      <ul>
        {EXAMPLES.map(({ title, shows, message, tools, approval }) => (
          <li key={title}>
            <button
              type="button"
              class="card new-example"
              onClick={() => {
                change({ message, tools, approval });
                onChosen();
              }}
            >
              <strong>{title}</strong>
              <span>{shows}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
