import type { Solution } from './tasks.mjs';

export function applySteps(solution: Solution, folder: string): Promise<void>;
