/** What an error means and what to do about it. */
export interface ErrorAdvice {
  title: string;
  advice: string;
  /** A view of the console that helps. */
  link?: { to: string; label: string };
}

const MODELS = { to: 'settings', label: 'Models and keys' };

const BY_CODE: Readonly<Record<string, ErrorAdvice>> = {
  LLMAuthenticationError: {
    title: 'The provider of the model refused the key',
    advice: 'Enter a valid API key for the model, or switch the model, then run again.',
    link: MODELS,
  },
  ACPAuthRequired: {
    title: 'The external agent is not signed in',
    advice: 'Sign in with the program of the agent on the machine of the server, then run again.',
  },
  ACPInitError: {
    title: 'The external agent could not be started',
    advice: 'Check its command and its installation on the machine of the server.',
  },
  ACPSpawnError: {
    title: 'The program of the external agent could not be started',
    advice: 'Check that its command is installed on the machine of the server.',
  },
  LLMRateLimitError: {
    title: 'The provider of the model limits the requests',
    advice:
      'Wait some minutes and run again. If it lasts, the quota of the key may be used up: switch the model.',
  },
  MaxBudgetReached: {
    title: 'The budget is used up',
    advice: 'Raise the budget of the conversation, then run again. Nothing is lost.',
  },
  LLMBadRequestError: {
    title: 'The provider of the model rejected the request',
    advice:
      'The message below names the reason: mostly a parameter or a model that the provider does not support.',
    link: MODELS,
  },
  NotFoundError: {
    title: 'The provider does not have this model',
    advice: 'Check the name of the model and the address of the provider, then run again.',
    link: MODELS,
  },
  LLMContextWindowExceedError: {
    title: 'The history is longer than the context of the model',
    advice: 'Condense the history, or switch to a model with a longer context, then run again.',
  },
  LLMContextWindowTooSmallError: {
    title: 'The context of the model is too short for an agent',
    advice: 'Switch to a model with a context of at least 16,384 tokens.',
    link: MODELS,
  },
  LLMMalformedConversationHistoryError: {
    title: 'The provider rejected the history',
    advice: 'Condense the history, or fork the conversation before the last step, then run again.',
  },
  LLMServiceUnavailableError: {
    title: 'The model could not be reached',
    advice: 'All attempts failed. Run again in a moment; check the address of the provider if it lasts.',
  },
  BadGatewayError: {
    title: 'The provider of the model has a fault',
    advice: 'All attempts failed. Run again in a moment.',
  },
  APIError: {
    title: 'The provider of the model answered with an error',
    advice: 'Read the message below, then run again.',
  },
  LLMTimeoutError: {
    title: 'The model did not answer in time',
    advice: 'Run again. If it lasts, raise the timeout of the model or switch it.',
    link: MODELS,
  },
  LLMNoResponseError: {
    title: 'The model gave an empty answer',
    advice: 'Run again. If it lasts, switch the model.',
  },
  MaxIterationsReached: {
    title: 'The run has reached its maximum of steps',
    advice: 'Look at what it was doing, then run again for as many steps, or send a message that helps.',
  },
  ServerRestarted: {
    title: 'The server was restarted during the run',
    advice: 'The step that was interrupted may have been executed. Look at it, then run again.',
  },
  StorageFailedError: {
    title: 'The server could not store an event',
    advice: 'Check the free space and the permissions of its data folder, then run again.',
  },
  ConversationOwnershipLostError: {
    title: 'Another server has taken this conversation over',
    advice: 'Open it on that server.',
  },
};

/** By `classification.kind`, for other codes. */
const BY_KIND: Readonly<Record<string, ErrorAdvice>> = {
  auth: { title: 'A key was refused', advice: 'Check the keys of the model, then run again.', link: MODELS },
  quota: { title: 'A quota is used up', advice: 'Raise it or switch the model, then run again.' },
  rate_limit: { title: 'Too many requests', advice: 'Wait some minutes, then run again.' },
  config: {
    title: 'The configuration does not fit',
    advice: 'The message below names what to change.',
    link: MODELS,
  },
  transient: { title: 'A service failed for the moment', advice: 'Run again.' },
  agent_action: {
    title: 'The agent could not go on',
    advice: 'Tell it what to do differently, or run again.',
  },
  internal: {
    title: 'The server has a fault',
    advice: 'The log of the server has the details. Please report it.',
    link: { to: 'server', label: 'Log of the server' },
  },
};

const OTHER: ErrorAdvice = { title: 'The run failed', advice: 'Read the message below, then run again.' };

/** What an error with this code means, in a sentence without a full stop; undefined if it is not known. */
export function meaningOf(code: string): string | undefined {
  return ownField(BY_CODE, code)?.title;
}

/** What to tell a person about an error of a run. @param kind that of its `classification` */
export function runErrorAdvice(code: string, kind: string): ErrorAdvice {
  return ownField(BY_CODE, code) ?? ownField(BY_KIND, kind) ?? OTHER;
}

function ownField<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
