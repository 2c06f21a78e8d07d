namespace Sluice.Handshake;

/// <summary>What a server agrees to in the opening handshake. Immutable; one instance serves all requests.</summary>
public sealed class HandshakePolicy
{
    /// <summary>No subprotocols, pages of the same origin only.</summary>
    public static HandshakePolicy Default { get; } = new();

    /// <summary>The subprotocols that the server speaks, best first. Default: none. The list is copied.</summary>
    /// <exception cref="ArgumentException">An entry is not a token, or stands there twice.</exception>
    public IReadOnlyList<string> Subprotocols
    {
        get;
        init => field = Handshake.Subprotocols.Copy(value, nameof(Subprotocols));
    } = [];

    /// <summary>Whose pages may connect. Default: <see cref="OriginPolicy.SameOrigin"/>.</summary>
    public OriginPolicy Origins
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    } = OriginPolicy.SameOrigin;
}
