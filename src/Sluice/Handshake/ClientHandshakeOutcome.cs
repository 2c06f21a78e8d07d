using System.Diagnostics.CodeAnalysis;

namespace Sluice.Handshake;

/// <summary>What a client makes of the server's response: the connection is open, or failed and why. Immutable.</summary>
public sealed class ClientHandshakeOutcome
{
    internal ClientHandshakeOutcome(string? subprotocol, IReadOnlyList<ExtensionOffer> extensions)
    {
        Subprotocol = subprotocol;
        Extensions = extensions;
    }

    internal ClientHandshakeOutcome(HandshakeFailure failure) => Failure = failure;

    /// <summary>Whether the response opens the WebSocket. If not, close the connection and look at <see cref="Failure"/>.</summary>
    [MemberNotNullWhen(false, nameof(Failure))]
    public bool IsAccepted => Failure is null;

    /// <summary>The subprotocol that the server chose from the offered ones; null when it chose none.</summary>
    public string? Subprotocol { get; }

    /// <summary>
    /// What the server agreed to, in its order. Each was offered by name; whether the parameters fit the offer,
    /// the extension must check.
    /// </summary>
    public IReadOnlyList<ExtensionOffer> Extensions { get; } = [];

    /// <summary>Why not; null when accepted.</summary>
    public HandshakeFailure? Failure { get; }
}
