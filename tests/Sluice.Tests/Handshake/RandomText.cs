namespace Sluice.Tests.Handshake;

/// <summary>Texts for property-style tests; the caller's seed makes them the same in every run.</summary>
internal static class RandomText
{
    /// <summary>What a header's grammar turns on, and what must never get through it.</summary>
    public const string Hostile = "abZ09-_.!*:/@[]%?#=;,,;  \t\"\"\\\\\0\r\n\u007f\u0085é\ud83d\ude00\u2028<>&";

    public static string From(Random random, string alphabet, int maxLength)
    {
        var text = new char[random.Next(maxLength + 1)];
        for (var i = 0; i < text.Length; i++) text[i] = alphabet[random.Next(alphabet.Length)];
        return new string(text);
    }

    public static string Token(Random random)
    {
        const string Alphabet = "abcXYZ019!#$%&'*+-.^_`|~";
        return Alphabet[random.Next(Alphabet.Length)] + From(random, Alphabet, 12);
    }

    /// <summary>Whether a message of ours is safe in a log: printable ASCII, and the sign for a section.</summary>
    public static bool IsPrintable(string message) =>
        !message.Replace('§', 'S').AsSpan().ContainsAnyExceptInRange(' ', '~');

    /// <summary>Puts a random character in, out, or in another's place.</summary>
    public static string Mutate(Random random, string text)
    {
        var at = random.Next(text.Length + 1);
        var character = Hostile[random.Next(Hostile.Length)].ToString();
        if (at == text.Length) return text + character;
        return random.Next(3) switch
        {
            0 => text.Insert(at, character),
            1 => text.Remove(at, 1),
            _ => text.Remove(at, 1).Insert(at, character),
        };
    }
}
