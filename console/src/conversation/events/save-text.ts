import { showToast } from '../../ui/toast.js';

/** Gives a text to the person as a file. */
export function saveText(text: string, name: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Puts a text into the clipboard, and says so. */
export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    showToast(`${what} copied.`, { ms: 2500 });
  } catch {
    showToast('The browser did not allow the page to copy. It does so on HTTPS and on localhost only.', {
      kind: 'error',
    });
  }
}
