using System.Reflection;
using Sluice.Handshake;

namespace Sluice.Tests.Handshake;

public class HostileHandshakeTests
{
    private const int LongestMessage = 400;

    private static readonly HandshakeRequest Good = new()
    {
        Method = "GET",
        HttpVersion = "HTTP/1.1",
        Scheme = "http",
        Host = "example.com",
        Upgrade = "websocket",
        Connection = "upgrade",
        Key = "dGhlIHNhbXBsZSBub25jZQ==",
        Version = "13",
        Subprotocols = "chat",
        Extensions = "permessage-deflate; client_max_window_bits",
        Origin = "http://example.com",
    };

    private static readonly HandshakeRequest GoodConnect = Good with
    {
        Method = "CONNECT",
        HttpVersion = "HTTP/2",
        Protocol = "websocket",
        Upgrade = null,
        Connection = null,
        Key = null,
    };

    // Over HTTP/1.1 there is no :protocol; an extended CONNECT has nothing of the upgrade (RFC 8441 §5).
    public static TheoryData<bool, string> RequestFields => [
        .. Fields(typeof(HandshakeRequest)).Where(name => name is not ("Scheme" or "Protocol")).Select(name => (false, name)),
        .. Fields(typeof(HandshakeRequest)).Where(name => name is not ("Scheme" or "HttpVersion" or "Upgrade" or "Connection" or "Key")).Select(name => (true, name))];

    public static TheoryData<string> ResponseFields => [.. Fields(typeof(HandshakeResponse))];

    [Theory]
    [MemberData(nameof(RequestFields))]
    public void A_megabyte_in_a_request_is_refused_without_being_copied(bool connect, string field)
    {
        foreach (var value in Megabytes())
        {
            var request = With(connect ? GoodConnect : Good, field, value);
            ShouldBeClean(Evaluate(connect, request).Refusal.ShouldNotBeNull(field).Message);
            var before = GC.GetAllocatedBytesForCurrentThread();
            Evaluate(connect, request);
            (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(16_384);
        }
    }

    [Theory]
    [MemberData(nameof(ResponseFields))]
    public void A_megabyte_in_a_response_fails_the_connection(string field)
    {
        var client = new ClientHandshake(["chat"], [new("permessage-deflate")]);
        var good = new HandshakeResponse
        {
            Status = 101,
            Upgrade = "websocket",
            Connection = "upgrade",
            Accept = HandshakeKey.ComputeAccept(client.Key),
            Subprotocol = "chat",
            Extensions = "permessage-deflate",
        };
        client.Validate(good).IsAccepted.ShouldBeTrue();
        foreach (var value in Megabytes())
        {
            ShouldBeClean(client.Validate(With(good, field, value)).Failure.ShouldNotBeNull(field).Message);
        }
    }

    [Fact]
    public void Random_damage_never_throws_and_never_gets_into_a_message_raw()
    {
        Evaluate(connect: false, Good).IsAccepted.ShouldBeTrue();
        Evaluate(connect: true, GoodConnect).IsAccepted.ShouldBeTrue();
        var fields = Fields(typeof(HandshakeRequest)).ToArray();
        var random = new Random(4221);
        var seen = new HashSet<RefusalReason>();
        for (var i = 0; i < 20_000; i++)
        {
            var connect = (i & 1) == 1;
            var request = connect ? GoodConnect : Good;
            for (var damage = random.Next(1, 3); damage > 0; damage--)
            {
                var field = fields[random.Next(fields.Length)];
                var value = (string?)typeof(HandshakeRequest).GetProperty(field)!.GetValue(request) ?? "";
                value = random.Next(4) == 0 ? RandomText.From(random, RandomText.Hostile, 200) : RandomText.Mutate(random, value);
                request = With(request, field, value);
            }

            var outcome = Evaluate(connect, request);
            if (outcome.IsAccepted) continue;
            seen.Add(outcome.Refusal.Reason);
            ShouldBeClean(outcome.Refusal.Message);
        }

        RefusalReason[] own = [RefusalReason.Body, RefusalReason.Capacity, RefusalReason.Address, RefusalReason.Unsupported]; // the server's, not the rules'
        seen.ShouldBe(Enum.GetValues<RefusalReason>().Except(own), ignoreOrder: true);
    }

    private static HandshakeOutcome Evaluate(bool connect, in HandshakeRequest request) => connect
        ? ConnectHandshake.Evaluate(request, HandshakePolicy.Default)
        : ServerHandshake.Evaluate(request, HandshakePolicy.Default);

    private static IEnumerable<string> Megabytes()
    {
        const int Size = 1 << 20;
        foreach (var part in new[] { ",", "a,", "a;", "\"", "\\\"", "a;b=\"\\", " ", "\0", "\r\n", "é", "http://", "[", ":", "=" })
        {
            yield return string.Concat(Enumerable.Repeat(part, Size / part.Length));
        }
    }

    private static IEnumerable<string> Fields(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.PropertyType == typeof(string)).Select(property => property.Name);

    private static T With<T>(T value, string field, string text)
        where T : struct
    {
        object boxed = value;
        typeof(T).GetProperty(field)!.SetValue(boxed, text);
        return (T)boxed;
    }

    private static void ShouldBeClean(string message)
    {
        message.Length.ShouldBeInRange(20, LongestMessage);
        RandomText.IsPrintable(message).ShouldBeTrue(message);
    }
}
