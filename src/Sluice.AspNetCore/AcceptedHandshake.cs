using Sluice.Compression;
using Sluice.Handshake;

namespace Sluice.AspNetCore;

/// <summary>An opening handshake that was accepted, with what was agreed about compression.</summary>
/// <param name="Outcome">The handshake's own.</param>
/// <param name="Compression">What holds; <see langword="null"/>: messages are not compressed.</param>
/// <param name="Extension">What the response says about it.</param>
internal sealed record AcceptedHandshake(HandshakeOutcome Outcome, DeflateAgreement? Compression, ExtensionOffer? Extension);
