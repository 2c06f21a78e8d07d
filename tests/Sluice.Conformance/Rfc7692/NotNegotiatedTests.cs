using Sluice.Conformance.Cases;
using Sluice.Conformance.Subjects;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Rfc7692;

/// <summary>RFC 7692 §6 and RFC 6455 §5.2: without permessage-deflate RSV1 means nothing, and so fails.</summary>
public class NotNegotiatedTests
{
    [Theory, Matrix(nameof(Rsv1))]
    public Task Section_6_RSV1_without_an_agreement_fails_with_1002_at_the_first_byte(Exchange each, Subject subject, Delivery delivery) => each.RunAsync(subject, delivery);

    internal static IEnumerable<Exchange> Rsv1()
    {
        foreach (var opcode in new[] { 1, 2, 8, 9, 10 })
        {
            var bad = new Frame(opcode, []) { Reserved = 4, Sent = 1 };
            yield return new Exchange($"opcode {opcode} first", bad).Fails(1002);
            yield return new Exchange($"opcode {opcode} behind a message", Frame.Text("owed"), bad).Answers(Frame.Text("owed")).Fails(1002);
        }
        yield return new Exchange("in the first fragment", new Frame(1, []) { Reserved = 4, Fin = false, Sent = 1 }).Fails(1002);
        yield return new Exchange("in a continuation", Frame.Text("a").Unfinished(), new Frame(0, []) { Reserved = 4, Sent = 1 }).Fails(1002);
        // "Hello", compressed as in §7.2.3.1.
        byte[] hello = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
        yield return new Exchange("a whole compressed message", Frame.Text(hello).Rsv(4)).Fails(1002);
        yield return new Exchange("compressed bytes without RSV1 are bytes", Frame.Binary(hello)).Echoes();
    }
}
