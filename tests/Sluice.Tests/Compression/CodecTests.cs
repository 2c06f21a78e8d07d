using System.Text;
using Sluice.Compression;

namespace Sluice.Tests.Compression;

/// <summary>zlib as it is called here, without a connection.</summary>
public class CodecTests
{
    public static TheoryData<int, int> WindowsAndLevels
    {
        get
        {
            var data = new TheoryData<int, int>();
            for (var bits = 8; bits <= 15; bits++)
            {
                for (var level = 0; level <= 9; level++) data.Add(bits, level);
            }
            return data;
        }
    }

    [Fact]
    public void The_runtime_of_the_tests_has_zlib() => CompressionOptions.IsSupported.ShouldBeTrue();

    [Theory, MemberData(nameof(WindowsAndLevels))]
    public void No_match_reaches_back_farther_than_the_agreed_window(int bits, int level)
    {
        using var deflater = new Deflater(new(bits, level, 8));
        var stream = new List<byte>();
        var plain = new List<byte>();
        foreach (var message in Messages(seed: bits, count: 20))
        {
            stream.AddRange([.. Deflate(deflater, message, forget: false), 0, 0, 0xFF, 0xFF]);
            plain.AddRange(message);
        }
        var decoder = new BitStream([.. stream]);
        decoder.Decode().ShouldBe(plain.ToArray());
        decoder.FarthestMatch.ShouldBeLessThanOrEqualTo(1 << bits);
        if (level > 0) decoder.Matches.ShouldBeGreaterThan(100);
        // The window is used, not merely kept to.
        if (level > 0 && bits < 14) decoder.FarthestMatch.ShouldBeGreaterThan(1 << (bits - 2));
    }

    [Theory, MemberData(nameof(WindowsAndLevels))]
    public void A_compressor_that_forgets_refers_to_nothing_before(int bits, int level)
    {
        using var deflater = new Deflater(new(bits, level, 1));
        foreach (var message in Messages(seed: 100 + bits, count: 20))
        {
            using var inflater = new Inflater();
            Inflate(inflater, Deflate(deflater, message, forget: true)).ShouldBe(message);
        }
    }

    [Theory, MemberData(nameof(WindowsAndLevels))]
    public void A_compressor_with_context_may_forget_in_between(int bits, int level)
    {
        using var deflater = new Deflater(new(bits, level, 8));
        using var inflater = new Inflater();
        using var other = new Deflater(new(bits, level, 8));
        var turn = 0;
        foreach (var message in Messages(seed: 200 + bits, count: 30))
        {
            // Every fifth message goes past the compressor, as a prepared one does.
            var past = ++turn % 5 == 0;
            if (past) deflater.Forget();
            Inflate(inflater, Deflate(past ? other : deflater, message, forget: past)).ShouldBe(message);
            if (past) deflater.Forget();
        }
    }

    [Fact]
    public void A_message_can_be_cut_anywhere()
    {
        var message = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 60).Select(i => $"item {i * 7919 % 100}, ")));
        using var deflater = new Deflater(new(15, 6, 8));
        var deflated = Deflate(deflater, message, forget: true);
        for (var cut = 0; cut <= deflated.Length; cut++)
        {
            using var inflater = new Inflater();
            foreach (var room in new[] { 1, 4096 })
            {
                Inflate(inflater, deflated, cut, room).ShouldBe(message, $"cut at {cut}, {room} bytes of room");
            }
        }
    }

    [Fact]
    public void A_message_that_stops_inside_a_block_is_corrupt()
    {
        var message = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Range(0, 100).Select(i => $"item {i * 7919 % 100}, ")));
        using var deflater = new Deflater(new(15, 6, 8));
        var deflated = Deflate(deflater, message, forget: true);
        for (var length = 1; length < deflated.Length - 1; length++)
        {
            using var inflater = new Inflater();
            Should.Throw<InvalidDataException>(() => Inflate(inflater, deflated[..length]), $"{length} of {deflated.Length} bytes");
        }
    }

    [Fact]
    public void A_message_whose_last_block_ends_within_the_tail_s_last_byte_is_corrupt()
    {
        // Cut inside a block of dynamic codes, which the tail's own bits happen to end.
        var cut = Convert.FromHexString("ECD4311100300803400BC8EEE10157F5D111C60AE1A7ECB9E42B27DFC93C521576E00557");
        using var inflater = new Inflater();
        Should.Throw<InvalidDataException>(() => Inflate(inflater, cut));
    }

    [Fact]
    public void Disposing_while_another_thread_compresses_waits_for_it()
    {
        var message = new byte[200_000];
        new Random(5).NextBytes(message.AsSpan(0, 100_000));
        for (var round = 0; round < 50; round++)
        {
            var deflater = new Deflater(new(15, 9, 8));
            using var started = new ManualResetEventSlim();
            Exception? seen = null;
            var compressing = new Thread(() =>
            {
                started.Set();
                try
                {
                    while (true) Deflate(deflater, message, forget: false);
                }
                catch (Exception e)
                {
                    seen = e;
                }
            });
            compressing.Start();
            started.Wait();
            deflater.Dispose();
            compressing.Join();
            seen.ShouldBeOfType<ObjectDisposedException>();
        }
    }

    internal static byte[] Deflate(Deflater deflater, ReadOnlySpan<byte> message, bool forget)
    {
        var payload = default(DeflatedPayload);
        payload.Compress(deflater, message, forget);
        var bytes = payload.Bytes.ToArray();
        payload.Return();
        return bytes;
    }

    internal static byte[] Inflate(Inflater inflater, byte[] deflated, int cut = 0, int room = 1024)
    {
        inflater.BeginMessage();
        var message = new List<byte>();
        var buffer = new byte[room];
        foreach (var part in new[] { deflated[..cut], deflated[cut..] })
        {
            ReadOnlySpan<byte> input = part;
            InflateStatus status;
            do
            {
                status = inflater.Inflate(ref input, buffer, out var written);
                message.AddRange(buffer[..written]);
            }
            while (status == InflateStatus.OutputFull);
            if (status == InflateStatus.Corrupt) throw new InvalidDataException();
            input.IsEmpty.ShouldBeTrue();
        }
        InflateStatus end;
        do
        {
            end = inflater.Finish(buffer, out var written);
            message.AddRange(buffer[..written]);
        }
        while (end == InflateStatus.OutputFull);
        return end == InflateStatus.Done ? [.. message] : throw new InvalidDataException();
    }

    // Repetitive, near and far, of all sizes.
    private static IEnumerable<byte[]> Messages(int seed, int count)
    {
        var random = new Random(seed);
        var words = Enumerable.Range(0, 300).Select(_ => random.Next().ToString("x")).ToArray();
        for (var i = 0; i < count; i++)
        {
            var text = new StringBuilder();
            for (var length = random.Next(1, 300); length > 0; length--) text.Append(words[random.Next(words.Length)]).Append(' ');
            yield return i % 10 == 9 ? Noise(random) : Encoding.UTF8.GetBytes(text.ToString());
        }
    }

    private static byte[] Noise(Random random)
    {
        var noise = new byte[random.Next(1, 20_000)];
        random.NextBytes(noise);
        return noise;
    }
}
