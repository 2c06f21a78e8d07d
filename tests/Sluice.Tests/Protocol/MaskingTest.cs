using System.Runtime.InteropServices;
using Sluice.Protocol;

namespace Sluice.Tests.Protocol;

public class MaskingTest
{
    private const int Guard = 128;

    private static readonly byte[] KeyBytes = [0x37, 0xFA, 0x21, 0x3D];
    private static readonly uint Key = MemoryMarshal.Read<uint>(KeyBytes);
    private static readonly byte[] Noise = CreateNoise();

    // From the ends of every branch for short payloads over the aligned and unrolled loop to several rounds of it.
    public static TheoryData<int> Alignments => [0, 1, 2, 3, 4, 6, 8, 14, 15, 16, 31, 32, 33, 63];

    [Fact]
    public void The_masked_text_of_RFC_6455_5_7_becomes_Hello()
    {
        byte[] payload = [0x7F, 0x9F, 0x4D, 0x51, 0x58];
        Masking.Apply(payload, Key, 0).ShouldBe(1);
        payload.ShouldBe("Hello"u8.ToArray());
    }

    [Theory]
    [MemberData(nameof(Alignments))]
    public void In_place_is_the_byte_loop_of_5_3_and_touches_nothing_else(int alignment)
    {
        foreach (var (length, offset) in LengthsAndOffsets())
        {
            var start = Guard + alignment;
            var expected = ByteLoop(Noise, start, length, offset);
            var actual = Noise.AsSpan().ToArray();
            var next = Masking.Apply(actual.AsSpan(start, length), Key, offset);
            if (next != (offset + length) % 4) Assert.Fail($"length {length}, offset {offset}: next offset {next}");
            Same(actual, expected, $"length {length}, offset {offset}: bytes");
        }
    }

    [Theory]
    [MemberData(nameof(Alignments))]
    public void Copying_is_the_byte_loop_of_5_3_and_touches_nothing_else(int alignment)
    {
        foreach (var (length, offset) in LengthsAndOffsets())
        {
            // The source begins elsewhere than the destination, so that all pairs of alignments come up in turn.
            var sourceStart = Guard + (alignment * 5 + length) % 64;
            var start = Guard + alignment;
            var source = Noise.AsSpan().ToArray();
            var actual = new byte[Noise.Length];
            actual.AsSpan().Fill(0xA5);
            var expected = actual.AsSpan().ToArray();
            ByteLoop(Noise, sourceStart, length, offset).AsSpan(sourceStart, length).CopyTo(expected.AsSpan(start));

            // A destination longer than the source keeps what lies behind.
            var next = Masking.Apply(source.AsSpan(sourceStart, length), actual.AsSpan(start), Key, offset);
            if (next != (offset + length) % 4) Assert.Fail($"length {length}, offset {offset}: next offset {next}");
            Same(actual, expected, $"length {length}, offset {offset}: bytes");
            Same(source, Noise, $"length {length}, offset {offset}: source");
        }
    }

    [Fact]
    public void The_copying_form_may_get_the_same_span_twice()
    {
        foreach (var (length, offset) in LengthsAndOffsets())
        {
            var actual = Noise.AsSpan().ToArray();
            var span = actual.AsSpan(Guard + 6, length);
            Masking.Apply(span, span, Key, offset);
            Same(actual, ByteLoop(Noise, Guard + 6, length, offset), $"length {length}, offset {offset}: bytes");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Two_pieces_of_a_frame_are_as_one_wherever_it_is_split(int offset)
    {
        var copied = new byte[300];
        for (var length = 0; length <= 300; length++)
        {
            var expected = ByteLoop(Noise, 0, length, offset).AsSpan(0, length);
            for (var split = 0; split <= length; split++)
            {
                var actual = Noise.AsSpan(0, length).ToArray();
                var next = Masking.Apply(actual.AsSpan(0, split), Key, offset);
                Masking.Apply(actual.AsSpan(split), Key, next);
                Same(actual, expected, $"in place, length {length} split at {split}");

                next = Masking.Apply(Noise.AsSpan(0, split), copied, Key, offset);
                Masking.Apply(Noise.AsSpan(split, length - split), copied.AsSpan(split), Key, next);
                Same(copied.AsSpan(0, length), expected, $"copying, length {length} split at {split}");
            }
        }
    }

    [Fact]
    public void Masking_a_payload_twice_gives_it_back()
    {
        var payload = new byte[70_001];
        new Random(3).NextBytes(payload);
        var original = payload.AsSpan().ToArray();
        Masking.Apply(payload, Key, 2);
        payload.ShouldNotBe(original);
        Masking.Apply(payload, Key, 2);
        payload.AsSpan().SequenceEqual(original).ShouldBeTrue();
    }

    [Theory]
    [InlineData(65_537, 1)]
    [InlineData(int.MaxValue, 3)]
    [InlineData(-1, 3)]
    [InlineData(int.MinValue, 0)]
    public void Only_the_offset_mod_4_counts(int offset, int same)
    {
        foreach (var length in new[] { 0, 3, 7, 16, 61, 300 })
        {
            var actual = Noise.AsSpan(0, length).ToArray();
            Masking.Apply(actual, Key, offset).ShouldBe((same + length) % 4);
            actual.ShouldBe(ByteLoop(Noise, 0, length, same)[..length]);
        }
    }

    [Fact]
    public void A_destination_that_is_too_short_is_refused_and_stays_as_it_was()
    {
        var destination = new byte[99];
        Should.Throw<ArgumentException>(() => Masking.Apply(Noise.AsSpan(0, 100), destination, Key, 0))
            .Message.ShouldStartWith("the destination holds 99 bytes, the source has 100");
        destination.ShouldAllBe(b => b == 0);
    }

    [Fact]
    public void Every_width_of_block_gives_the_same_on_any_machine()
    {
        // The public form takes the widest block that this machine has; the others must not wait for another machine.
        foreach (var (length, offset) in LengthsAndOffsets())
        {
            var expected = ByteLoop(Noise, Guard + 6, length, offset);
            foreach (var width in MaskingWidth.All)
            {
                if (length < width.Bytes) continue;
                CheckWidth(width.Name, width.Run, length, offset, expected);
                if (length <= 2 * width.Bytes) CheckWidth(width.Name + " pair", width.Pair, length, offset, expected);
            }
        }
    }

    private static void Same(ReadOnlySpan<byte> actual, ReadOnlySpan<byte> expected, string what)
    {
        var same = actual.CommonPrefixLength(expected);
        if (same < expected.Length || actual.Length != expected.Length) Assert.Fail($"{what} differ at {same}");
    }

    private static void CheckWidth(string name, MaskingWidth.Form form, int length, int offset, byte[] expected)
    {
        var actual = Noise.AsSpan().ToArray();
        ref var start = ref actual[Guard + 6];
        form(ref start, ref start, (nuint)length, MaskingBlocks.Rotate(Key, (nuint)offset));
        Same(actual, expected, $"{name}, length {length}, offset {offset}: bytes");
    }

    private static IEnumerable<(int Length, int Offset)> LengthsAndOffsets()
    {
        for (var length = 0; length <= 300; length++)
        {
            for (var offset = 0; offset < 4; offset++) yield return (length, offset);
        }

        for (var length = 301; length <= 1100; length += 3) yield return (length, length % 4);
    }

    private static byte[] ByteLoop(byte[] bytes, int start, int length, int offset)
    {
        var masked = bytes.AsSpan().ToArray();
        for (var i = 0; i < length; i++) masked[start + i] ^= KeyBytes[(i + offset) % 4];
        return masked;
    }

    private static byte[] CreateNoise()
    {
        var noise = new byte[Guard + 64 + 1100 + Guard];
        new Random(6455).NextBytes(noise);
        return noise;
    }
}
