import { BadRequestException } from '@nestjs/common';
import { withoutKeys } from '../../../forwarding/index.js';
import { nameField, OTHER_NAME } from '../../installation/installation.dto.js';
import { ExtensionNamePipe } from '../../installation/name.pipe.js';

const ADDRESS = /^\/app-backends\/([^/?]+)(\/[^?]*)?(?:\?(.*))?$/s;
/** Most levels of percent-encoding. */
const MAX_ROUNDS = 16;

const name = new ExtensionNamePipe('extension_name', OTHER_NAME);

/** The target of a request below `/app-backends`. */
export interface BackendAddress {
  name: string;
  /** Path and query for the back end, without keys. */
  target: string;
}

/** Whether a URL belongs to a back end. */
export function isBackendAddress(url: string): boolean {
  return ADDRESS.test(url);
}

/**
 * Parses a raw URL, without normalizing or decoding it.
 * @throws BadRequestException, RequestValidationError
 */
export function parseBackendAddress(url: string): BackendAddress {
  const [, written = '', path = '/', query] = ADDRESS.exec(url) ?? [];
  if (isPathTraversal(path) || isPathTraversal(written))
    throw new BadRequestException('Invalid backend path');
  const target = path.replace(/^\/+/, '/');
  return { name: name.transform(written), target: withoutKeys(query ? `${target}?${query}` : target) };
}

/** Detects path traversal at any level of encoding. */
function isPathTraversal(path: string): boolean {
  let text = path;
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    if (/[\\\u0000-\u001f]/.test(text)) return true;
    if (text.split('/').some((part) => part === '.' || part === '..')) return true;
    const next = decoded(text);
    if (next === undefined) return round === 0;
    if (next === text) return false;
    text = next;
  }
  return true;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export const nameSchema = nameField(OTHER_NAME).schema();
