import { Button } from '../../ui/button.js';
import { SERVER_URL } from '../../routing/address.js';
import type { Composer } from './composer.js';
import { SCRIPT_EXAMPLES, SCRIPT_LINES } from './scripted-examples.js';

/** Whole messages for the scripted model, to insert with a click. */
export function ScriptedExamples({ composer }: { composer: Composer }) {
  return (
    <div class="scripted-examples">
      <span>The scripted model plays the lines of your message. Try:</span>
      {SCRIPT_EXAMPLES.map(({ name, text }) => (
        <button key={name} type="button" class="chip" onClick={() => composer.insertLines(text)}>
          {name}
        </button>
      ))}
    </div>
  );
}

/** The lines that the scripted model knows, to insert with a click. */
export function ScriptedLines({ composer, onClose }: { composer: Composer; onClose: () => void }) {
  return (
    <section class="scripted-lines" aria-label="Lines of the scripted model">
      <dl>
        {SCRIPT_LINES.map(({ line, meaning }) => (
          <div key={line}>
            <dt>
              <button type="button" title="Insert" onClick={() => composer.insertLines(line)}>
                <code>{line}</code>
              </button>
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
      <p>
        A line without a keyword continues the line above.{' '}
        <a href={new URL('guides/docs/models.md', SERVER_URL).href} target="_blank" rel="noopener noreferrer">
          More about the scripted model
        </a>
      </p>
      <Button kind="quiet" onClick={onClose}>
        Close
      </Button>
    </section>
  );
}
