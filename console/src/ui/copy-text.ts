import { showToast } from './toast.js';

/** Copies a text and says so. @param what the subject of the message, such as `The address` */
export async function copyText(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    showToast(`${what} is in the clipboard.`, { ms: 3000 });
  } catch {
    // Browsers offer the clipboard to secure pages only.
    showToast(`The browser does not allow to copy here: ${text.slice(0, 300)}`, { kind: 'error' });
  }
}
