import { DomainError } from '../errors/index.js';

/** No automation has the id, or none that the key may see. */
export class AutomationNotFoundError extends DomainError {
  override readonly name = 'AutomationNotFoundError';
  readonly kind = 'not-found';
  constructor() {
    super('Automation not found');
  }
}

/** No run has the id, or none that the key may see. */
export class RunNotFoundError extends DomainError {
  override readonly name = 'RunNotFoundError';
  readonly kind = 'not-found';
  constructor() {
    super('Run not found');
  }
}

/** The automation or the run is in a state in which this is not possible. */
export class AutomationConflictError extends DomainError {
  override readonly name = 'AutomationConflictError';
  readonly kind = 'conflict';
}

/** There are as many automations, or waiting runs, as there may be. */
export class AutomationLimitError extends DomainError {
  override readonly name = 'AutomationLimitError';
  readonly kind = 'limit-reached';
}

/** Runs would be conversations beside the containers that the server has for those of people. */
export class ContainersUnsupportedError extends DomainError {
  override readonly name = 'ContainersUnsupportedError';
  readonly kind = 'unsupported';
  constructor() {
    super(
      'This server keeps conversations in containers (conversation_runtime: docker), where automations cannot start ' +
        'any. Let a server without containers run them.',
    );
  }
}

/** What runs Python scripts in the original. */
export class ScriptsUnsupportedError extends DomainError {
  override readonly name = 'ScriptsUnsupportedError';
  readonly kind = 'unsupported';
  constructor() {
    super(
      'This server runs no automation scripts. Create the automation from a prompt: POST /api/automation/v1/preset/prompt.',
    );
  }
}
