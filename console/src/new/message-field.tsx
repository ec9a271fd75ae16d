import { useRef } from 'preact/hooks';
import { Button } from '../ui/button.js';
import { Icon } from '../ui/icon.js';
import { bytes } from '../ui/numbers.js';
import { visible } from '../ui/safe-text.js';
import { showToast } from '../ui/toast.js';
import { change, draft, isScripted } from './draft.js';

const MAX_IMAGES = 8;
const MAX_IMAGE_BYTES = 5 * 1024 ** 2;
const TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'];

/** The first message, with images that are chosen, pasted or dropped. */
export function MessageField({ problem }: { problem: string | undefined }) {
  const { message, images } = draft.value;
  const files = useRef<HTMLInputElement>(null);
  return (
    <div class="field">
      <label for="message">What should the agent do?</label>
      <textarea
        id="message"
        class={isScripted.value ? 'new-message new-script' : 'new-message'}
        rows={isScripted.value ? 9 : 7}
        aria-describedby={problem === undefined ? undefined : 'message-problem'}
        aria-invalid={problem !== undefined}
        placeholder={
          isScripted.value
            ? 'RUN: ls -la\nFINISH: Done.'
            : 'Describe the task: what there is, what should be different, how to check it.'
        }
        value={message}
        onInput={(event) => change({ message: event.currentTarget.value })}
        onPaste={(event) => {
          const pasted = [...(event.clipboardData?.files ?? [])];
          if (pasted.length === 0) return;
          event.preventDefault();
          void addImages(pasted);
        }}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          const dropped = [...(event.dataTransfer?.files ?? [])];
          if (dropped.length === 0) return;
          event.preventDefault();
          void addImages(dropped);
        }}
      />
      {problem !== undefined && (
        <p id="message-problem" class="field-problem">
          {problem}
        </p>
      )}
      {images.length > 0 && (
        <ul class="new-images" aria-label="Attached images">
          {images.map((image) => (
            <li key={image.url}>
              <img src={image.url} alt={visible(image.name)} />
              <Button
                kind="quiet"
                square
                aria-label={`Remove ${visible(image.name)}`}
                onClick={() => change({ images: images.filter((other) => other !== image) })}
              >
                <Icon name="close" />
              </Button>
            </li>
          ))}
        </ul>
      )}
      <div class="new-message-foot">
        <input
          ref={files}
          type="file"
          class="visually-hidden"
          tabIndex={-1}
          aria-hidden="true"
          accept={TYPES.join(',')}
          multiple
          onChange={(event) => {
            void addImages([...(event.currentTarget.files ?? [])]);
            event.currentTarget.value = '';
          }}
        />
        <Button kind="quiet" onClick={() => files.current?.click()}>
          <Icon name="attach" />
          Add images
        </Button>
      </div>
    </div>
  );
}

async function addImages(files: readonly File[]): Promise<void> {
  for (const file of files) {
    const problem = !TYPES.includes(file.type)
      ? 'Only PNG, JPEG, GIF and WebP images can be attached.'
      : file.size > MAX_IMAGE_BYTES
        ? `The image has ${bytes(file.size)}; at most ${bytes(MAX_IMAGE_BYTES)} are possible.`
        : draft.peek().images.length >= MAX_IMAGES
          ? `At most ${MAX_IMAGES} images can be attached.`
          : undefined;
    if (problem === undefined) {
      const url = await dataUrl(file);
      change({
        images: [...draft.peek().images.filter((other) => other.url !== url), { name: file.name, url }],
      });
    } else showToast(`${visible(file.name.slice(0, 80))}: ${problem}`, { kind: 'error' });
  }
}

function dataUrl(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () =>
      typeof reader.result === 'string' ? resolve(reader.result) : reject(new Error('no text'));
    reader.onerror = () => reject(reader.error ?? new Error('The file cannot be read.'));
    reader.readAsDataURL(file);
  });
}
