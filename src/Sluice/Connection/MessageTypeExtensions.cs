using System.Text.Unicode;
using Sluice.Protocol;

namespace Sluice;

internal static class MessageTypeExtensions
{
    /// <summary>The opcode of a message to be sent; refuses what RFC 6455 §5.6 forbids to send.</summary>
    public static Opcode ToOpcode(this MessageType type, ReadOnlySpan<byte> payload)
    {
        var opcode = ToOpcode(type);
        if (opcode == Opcode.Text && !Utf8.IsValid(payload)) ThrowNotUtf8(nameof(payload));
        return opcode;
    }

    public static Opcode ToOpcode(this MessageType type)
    {
        if (type is not (MessageType.Text or MessageType.Binary)) ThrowNotData(type);
        return (Opcode)type;
    }

    private static void ThrowNotData(MessageType type)
        => throw new ArgumentException($"{type} can't be sent as a message; use Text or Binary, or CloseAsync to close", nameof(type));

    private static void ThrowNotUtf8(string name)
        => throw new ArgumentException("a text message must be valid UTF-8 (RFC 6455 §5.6); send other bytes as Binary", name);
}
