import { Button } from '../../ui/button.js';
import { Icon } from '../../ui/icon.js';
import { Output } from './output.js';
import { copyText } from '../../ui/copy-text.js';

/** A block of code with a button that copies it. */
export function Code({
  text,
  language = '',
  lines = 40,
}: {
  text: string;
  language?: string;
  lines?: number;
}) {
  return (
    <div class="code">
      <div class="code-head">
        <span>{language}</span>
        <Button
          kind="quiet"
          square
          aria-label="Copy the code"
          onClick={() => void copyText(text, 'The code')}
        >
          <Icon name="copy" />
        </Button>
      </div>
      <Output text={text} lines={lines} name="code.txt" />
    </div>
  );
}
