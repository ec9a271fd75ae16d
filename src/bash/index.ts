export { ExecuteBashRequestDto } from './api/bash.dto.js';
export { bashError, type BashRequest } from './bash-event.js';
export { BashService } from './bash.service.js';
export type { BashShell } from './shell/bash-shell.js';
