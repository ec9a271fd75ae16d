import { useSignal } from '@preact/signals';
import { Button } from '../../ui/button.js';
import { SERVER_URL } from '../../routing/address.js';
import type { Composer } from './composer.js';
import { SCRIPT_EXAMPLES, SCRIPT_LINES } from './scripted-examples.js';

/** Explains the scripted model, with lines and whole messages that can be inserted. */
export function ScriptedHelp({ composer }: { composer: Composer }) {
  const isOpen = useSignal(false);
  return (
    <div class="scripted-help">
      <div class="scripted-head">
        <span>The scripted model plays the lines of your message.</span>
        {SCRIPT_EXAMPLES.map(({ name, text }) => (
          <button key={name} type="button" class="chip" onClick={() => composer.insertLines(text)}>
            {name}
          </button>
        ))}
        <button
          type="button"
          class="chip"
          aria-expanded={isOpen.value}
          onClick={() => {
            isOpen.value = !isOpen.value;
          }}
        >
          All lines
        </button>
      </div>
      {isOpen.value && (
        <div class="scripted-lines">
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
            <a
              href={new URL('guides/docs/models.md', SERVER_URL).href}
              target="_blank"
              rel="noopener noreferrer"
            >
              More about the scripted model
            </a>
          </p>
          <Button
            kind="quiet"
            onClick={() => {
              isOpen.value = false;
              composer.focus();
            }}
          >
            Close
          </Button>
        </div>
      )}
    </div>
  );
}
