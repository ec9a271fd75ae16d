import { useSignal } from '@preact/signals';
import { visible } from '../../ui/safe-text.js';

/** SVG is left out: it may refer to other documents. */
const DATA_IMAGE = /^data:image\/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+$/;
const MAX_DATA = 8 * 1024 * 1024;

/** Images in messages and results. Only those whose data are in the event are shown: no other is fetched. */
export function Images({ urls }: { urls: readonly string[] }) {
  if (urls.length === 0) return null;
  return (
    <div class="images">
      {urls.slice(0, 20).map((url, index) => (
        <Image key={index} url={url} />
      ))}
      {urls.length > 20 && <p class="note">{urls.length - 20} further images are not shown.</p>}
    </div>
  );
}

function Image({ url }: { url: string }) {
  const isLarge = useSignal(false);
  const isBroken = useSignal(false);
  if (isBroken.value || url.length > MAX_DATA || !isShown(url))
    return <Omitted url={url} isBroken={isBroken.value} />;
  return (
    <button
      type="button"
      class={isLarge.value ? 'image large' : 'image'}
      aria-label={isLarge.value ? 'Show the image smaller' : 'Show the image larger'}
      onClick={() => (isLarge.value = !isLarge.value)}
    >
      <img src={url} alt="Image in the event" onError={() => (isBroken.value = true)} />
    </button>
  );
}

function isShown(url: string): boolean {
  // The characters of long data are not checked one by one: the browser does when it decodes them.
  return DATA_IMAGE.test(url.length > 2000 ? `${url.slice(0, 1000)}=` : url);
}

function Omitted({ url, isBroken }: { url: string; isBroken: boolean }) {
  if (/^https?:\/\//i.test(url) && url.length < 2000) {
    return (
      <p class="note">
        Image at{' '}
        <a href={url} target="_blank" rel="noopener noreferrer">
          {visible(url.slice(0, 200))}
        </a>
        : the console loads nothing from other addresses.
      </p>
    );
  }
  const why = isBroken ? 'its data cannot be decoded' : 'its kind or its size is not supported';
  return (
    <p class="note">
      An image is not shown: {why} ({visible(url.slice(0, 40))}…).
    </p>
  );
}
