export interface AuthorizedFront {
  url: string;
  readonly state: {
    /** Of the moment. */
    readonly accessToken: string;
    readonly refreshToken: string;
    /** What the token endpoint was asked. */
    readonly renewals: Record<string, string>[];
  };
  close(): Promise<void>;
}

export function startAuthorizedFront(options: { to: string; refreshToken: string }): Promise<AuthorizedFront>;
