using System.Text.Unicode;
using Sluice.Protocol;

namespace Sluice.Tests.Protocol;

/// <summary>Short sequences of RFC 3629, all of them, each split in every way.</summary>
public class Utf8ValidatorExhaustiveTest
{
    [Fact]
    public void Every_sequence_of_one_byte_and_of_two()
    {
        Span<byte> bytes = stackalloc byte[2];
        for (var value = 0; value < 0x1_0000; value++)
        {
            (bytes[0], bytes[1]) = ((byte)(value >> 8), (byte)value);
            Utf8Splits.Check(bytes);
            if (bytes[1] == 0) Utf8Splits.Check(bytes[..1]);
        }
    }

    [Fact]
    public void Every_sequence_of_three_bytes()
    {
        Span<byte> bytes = stackalloc byte[3];
        for (var value = 0; value < 0x100_0000; value++)
        {
            (bytes[0], bytes[1], bytes[2]) = ((byte)(value >> 16), (byte)(value >> 8), (byte)value);
            Utf8Splits.Check(bytes);
        }
    }

    [Fact]
    public void Sequences_of_four_bytes_at_the_borders_of_every_range()
    {
        byte[] borders = [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xED, 0xF4, 0xFF];
        Span<byte> bytes = stackalloc byte[4];
        for (var lead = 0xEF; lead <= 0xF5; lead++)
        {
            bytes[0] = (byte)lead;
            for (var i = 0; i < borders.Length * borders.Length * borders.Length; i++)
            {
                bytes[1] = borders[i / borders.Length / borders.Length];
                bytes[2] = borders[i / borders.Length % borders.Length];
                bytes[3] = borders[i % borders.Length];
                Utf8Splits.Check(bytes);
            }
        }
    }

    [Fact]
    public void The_reference_agrees_with_the_base_class_library_on_whole_inputs()
    {
        Span<byte> bytes = stackalloc byte[3];
        for (var value = 0; value < 0x100_0000; value++)
        {
            (bytes[0], bytes[1], bytes[2]) = ((byte)(value >> 16), (byte)(value >> 8), (byte)value);
            var (badAt, complete) = Utf8Reference.Check(bytes);
            var validator = default(Utf8Validator);
            var valid = validator.TryAppend(bytes) && validator.IsComplete;
            var agreed = valid == Utf8.IsValid(bytes) && valid == (badAt < 0 && complete);
            if (!agreed) Assert.Fail(Convert.ToHexString(bytes));
        }
    }
}
