using System.Buffers;
using System.Text;

namespace Sluice;

/// <summary>What an <c>Authorization</c> header proves a client's identity with (RFC 9110 §11.6.2). Immutable; shows no secret
/// in <see cref="ToString"/>.</summary>
public sealed class Authorization
{
    // RFC 6750 §2.1: token68 of RFC 9110 §11.2.
    private static readonly SearchValues<char> TokenCharacters
        = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=");

    private readonly string _scheme;

    private Authorization(string scheme, string credentials)
    {
        _scheme = scheme;
        Field = $"{scheme} {credentials}";
    }

    /// <summary>The header's value.</summary>
    internal string Field { get; }

    /// <summary>User name and password (RFC 7617), in UTF-8. Over <c>ws</c> anybody on the way can read them.</summary>
    /// <exception cref="ArgumentException">The user name has a colon, or one of both a control character.</exception>
    public static Authorization Basic(string user, string password)
    {
        ArgumentNullException.ThrowIfNull(user);
        ArgumentNullException.ThrowIfNull(password);
        if (user.Contains(':', StringComparison.Ordinal)) throw new ArgumentException("a user name has no colon (RFC 7617 §2)", nameof(user));
        if (user.Any(char.IsControl)) throw new ArgumentException("a user name has no control characters (RFC 7617 §2)", nameof(user));
        if (password.Any(char.IsControl)) throw new ArgumentException("a password has no control characters (RFC 7617 §2)", nameof(password));
        return new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
    }

    /// <summary>A token (RFC 6750).</summary>
    /// <exception cref="ArgumentException">It is empty, or has a character that a token may not have.</exception>
    public static Authorization Bearer(string token)
    {
        ArgumentException.ThrowIfNullOrEmpty(token);
        if (token.AsSpan().ContainsAnyExcept(TokenCharacters))
        {
            throw new ArgumentException("a bearer token may have letters, digits and -._~+/= (RFC 6750 §2.1)", nameof(token));
        }
        return new("Bearer", token);
    }

    /// <summary>The scheme, without the secret.</summary>
    public override string ToString() => $"{_scheme} …";
}
