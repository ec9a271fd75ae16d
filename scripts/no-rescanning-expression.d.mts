import type { Rule } from 'eslint';

export const noRescanningExpression: Rule.RuleModule;
export function rescanning(source: string, flags: string): { prefix: string; quantifier: string }[];
