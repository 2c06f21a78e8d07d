using System.Diagnostics.CodeAnalysis;

namespace Sluice.Handshake;

/// <summary>What a server answers to an opening handshake: it accepts, or refuses and says why. Immutable.</summary>
public sealed class HandshakeOutcome
{
    internal HandshakeOutcome(string? accept, string? subprotocol, IReadOnlyList<ExtensionOffer> extensions)
    {
        Accept = accept;
        Subprotocol = subprotocol;
        Extensions = extensions;
    }

    internal HandshakeOutcome(HandshakeRefusal refusal) => Refusal = refusal;

    /// <summary>Whether the answer is 101, or 200 to an extended CONNECT. If not, <see cref="Refusal"/> holds the other one.</summary>
    [MemberNotNullWhen(false, nameof(Refusal))]
    public bool IsAccepted => Refusal is null;

    /// <summary>The value of <c>Sec-WebSocket-Accept</c>; null when refused, and when there was no key: over HTTP/2 and 3.</summary>
    public string? Accept { get; }

    /// <summary>The value of <c>Sec-WebSocket-Protocol</c>; null when none is agreed on, and then the header must be left out.</summary>
    public string? Subprotocol { get; }

    /// <summary>The client's offers, none of them agreed to yet.</summary>
    public IReadOnlyList<ExtensionOffer> Extensions { get; } = [];

    /// <summary>Why not; null when accepted.</summary>
    public HandshakeRefusal? Refusal { get; }
}
