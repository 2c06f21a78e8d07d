using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc6455;

/// <summary>RFC 6455 §5.1 and §5.3: a client masks, a server does not.</summary>
public class MaskingTests
{
    [Theory, Matrix(nameof(Wrong))]
    public Task Section_5_1_a_frame_masked_against_its_sender_s_role_fails_with_1002(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Theory, Matrix(nameof(Keys))]
    public Task Section_5_3_any_key_unmasks_any_offset(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    [Fact]
    public async Task Section_5_3_a_client_takes_a_new_key_for_each_frame()
    {
        await using var link = await Link.OpenAsync(Subject.ClientHandler);
        var keys = new HashSet<string>();
        for (var i = 0; i < 256; i++)
        {
            await link.Peer.SendAsync(Frame.Text("same"));
            var echo = await link.Peer.ReadFrameAsync();
            echo.ShouldBe(Frame.Text("same"));
            keys.Add(Convert.ToHexString(echo.Key!));
        }
        keys.Count.ShouldBeGreaterThan(250); // 256 keys of 32 bits meet by chance once in 130,000 runs
        // Not a counter, either: no fixed distance from one key to the next (§10.3 wants them unpredictable).
        keys.Select(key => key[..2]).Distinct().Count().ShouldBeGreaterThan(64);
        keys.Select(key => key[6..]).Distinct().Count().ShouldBeGreaterThan(64);
    }

    [Fact]
    public async Task Section_5_3_the_keys_of_two_connections_have_nothing_in_common()
    {
        var first = await KeysAsync();
        var second = await KeysAsync();
        first.Intersect(second).Count().ShouldBeLessThan(3);
    }

    internal static IEnumerable<Exchange> Wrong()
    {
        foreach (var opcode in new[] { 1, 2, 8, 9, 10 })
        {
            yield return new Exchange($"opcode {opcode}", new Frame(opcode, []) { WronglyMasked = true, Sent = 2 }).Fails(1002);
            yield return new Exchange($"opcode {opcode}, 5 bytes announced", new Frame(opcode, new byte[5]) { WronglyMasked = true, Sent = 2 }).Fails(1002);
            yield return new Exchange($"opcode {opcode} behind a message", Frame.Text("owed"), new Frame(opcode, []) { WronglyMasked = true, Sent = 2 })
                .Answers(Frame.Text("owed")).Fails(1002);
        }
        yield return new Exchange("a continuation", Frame.Text("a").Unfinished(), new Frame(0, []) { WronglyMasked = true, Sent = 2 }).Fails(1002);
    }

    internal static IEnumerable<Exchange> Keys()
    {
        byte[][] keys = [[0, 0, 0, 0], [1, 2, 3, 4], [255, 255, 255, 255], [0, 0, 0, 1], [0x81, 0x85, 0x88, 0x80]];
        foreach (var key in keys)
        {
            foreach (var length in new[] { 1, 4, 7, 66, 1029 })
            {
                var frame = Frame.Binary([.. Enumerable.Range(0, length).Select(i => (byte)i)]) with { Key = key };
                yield return new Exchange($"{Convert.ToHexString(key)} over {length}", frame).Echoes();
            }
        }
    }

    private static async Task<string[]> KeysAsync()
    {
        await using var link = await Link.OpenAsync(Subject.ClientCalls);
        var keys = new List<string>();
        for (var i = 0; i < 64; i++)
        {
            await link.Peer.SendAsync(Frame.Binary(1));
            keys.Add(Convert.ToHexString((await link.Peer.ReadFrameAsync()).Key!));
        }
        return [.. keys];
    }
}
