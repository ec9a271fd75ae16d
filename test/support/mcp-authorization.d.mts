export interface AuthorizedFront {
  url: string;
  readonly state: {
    /** The valid access token. */
    readonly accessToken: string;
    readonly refreshToken: string;
    /** The requests to the token endpoint. */
    readonly renewals: Record<string, string>[];
  };
  close(): Promise<void>;
}

export function startAuthorizedFront(options: { to: string; refreshToken: string }): Promise<AuthorizedFront>;
