import { ApiError } from '../../api/api-error.js';
import { reachability } from '../../api/reachability.js';
import { keyWasRefused, sessionKey } from '../../api/session-key.js';
import { SERVER_URL } from '../../routing/address.js';

/**
 * Uploads a file to the workspace of a conversation. Not with `fetch`, which does not report progress.
 * @param path in the workspace, beginning with `./`
 * @throws ApiError if the upload failed or was aborted
 */
export function uploadFile(
  conversationId: string,
  path: string,
  file: File,
  { signal, onProgress }: { signal: AbortSignal; onProgress: (part: number) => void },
): Promise<void> {
  const url = new URL(`api/conversations/${conversationId}/file/upload`, SERVER_URL);
  url.searchParams.set('path', path);
  const key = sessionKey.peek();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    if (key !== null) request.setRequestHeader('X-Session-API-Key', key);
    request.upload.onprogress = ({ loaded, total }) => onProgress(total === 0 ? 1 : loaded / total);
    request.onload = () => {
      if (request.status === 401) keyWasRefused(key);
      if (request.status >= 200 && request.status < 300) resolve();
      else reject(ApiError.of(request.status, parsed(request.responseText)));
    };
    request.onerror = () => {
      reachability.value = 'away';
      reject(new ApiError(0, 'The connection was lost during the upload.'));
    };
    request.onabort = () => reject(new ApiError(0, 'The upload was stopped.'));
    signal.addEventListener('abort', () => request.abort());
    const form = new FormData();
    form.append('file', file);
    request.send(form);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
