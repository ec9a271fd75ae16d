/** Git with which nothing outside the repository counts, nothing is fetched, and nobody is asked. */
export const READ_ENVIRONMENT = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_NO_LAZY_FETCH: '1',
  GIT_ALLOW_PROTOCOL: '',
  GIT_TERMINAL_PROMPT: '0',
  LC_ALL: 'C',
} as const;

/** Settings of the folder that git works with in the place of `.git`. */
export const OUR_SETTINGS = [
  '[core]',
  'repositoryformatversion = 1',
  'bare = false',
  'hooksPath = /dev/null',
  'fsmonitor = false',
  'quotePath = false',
  '[gc]',
  'auto = 0',
];
