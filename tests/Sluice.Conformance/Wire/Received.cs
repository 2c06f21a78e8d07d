using System.Text;

namespace Sluice.Conformance.Wire;

/// <summary>A frame as it came, unmasked; the masking key is null when it had none.</summary>
internal sealed record Received(byte First, byte[] Payload, byte[]? Key)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public int Opcode => First & 0x0f;

    public bool Fin => (First & 0x80) != 0;

    /// <summary>The close code; 1005 when there is none.</summary>
    public int Code => Payload.Length == 0 ? 1005 : (Payload[0] << 8) | Payload[1];

    /// <summary>The close reason; throws when it is not UTF-8.</summary>
    public string Reason => Payload.Length < 2 ? "" : Strict.GetString(Payload.AsSpan(2));

    /// <summary>It is this frame, bit for bit but for the masking.</summary>
    public void ShouldBe(Frame expected)
    {
        var first = (expected.Fin ? 0x80 : 0) | (expected.Reserved << 4) | expected.Opcode;
        First.ShouldBe((byte)first, $"the first byte, of {this}");
        if (!Payload.AsSpan().SequenceEqual(expected.Payload)) Payload.Length.ShouldBe(expected.Payload.Length, ToString());
        Payload.AsSpan().SequenceEqual(expected.Payload).ShouldBeTrue($"the payload, of {this}");
    }

    public override string ToString() => Opcode == 8 && Payload.Length != 1
        ? $"close {Code} \"{Encoding.UTF8.GetString(Payload.AsSpan(Math.Min(2, Payload.Length)))}\""
        : $"frame {First:x2} of {Payload.Length}: {Convert.ToHexString(Payload.AsSpan(0, Math.Min(32, Payload.Length)))}";
}
