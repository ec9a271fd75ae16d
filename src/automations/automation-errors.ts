import { NotFoundError, UnsupportedError } from '../errors/index.js';

/** No automation has the id, or none that the key may see. */
export class AutomationNotFoundError extends NotFoundError {
  override readonly name = 'AutomationNotFoundError';
  constructor() {
    super('Automation not found');
  }
}

/** No run has the id, or none that the key may see. */
export function runNotFound(): NotFoundError {
  return new NotFoundError('Run not found');
}

/** Runs would be conversations beside the containers that the server has for those of people. */
export function containersUnsupported(): UnsupportedError {
  return new UnsupportedError(
    'This server keeps conversations in containers (conversation_runtime: docker), where automations cannot start any. ' +
      'Let a server without containers run them.',
  );
}

/** What runs Python scripts in the original. */
export function scriptsUnsupported(): UnsupportedError {
  return new UnsupportedError(
    'This server runs no automation scripts. Create the automation from a prompt: POST /api/automation/v1/preset/prompt.',
  );
}
