using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Sluice.Handshake;

/// <summary>A parameter of an extension (RFC 6455 §9.1).</summary>
/// <param name="Name">A token.</param>
/// <param name="Value">A token, or null when the parameter stands without a value. Quotes that were around it are gone.</param>
public readonly record struct ExtensionParameter(string Name, string? Value = null);

/// <summary>
/// One element of <c>Sec-WebSocket-Extensions</c>: an extension and its parameters (RFC 6455 §9.1). In a request
/// it is an offer, in a response an agreement; the grammar is the same. Immutable.
/// </summary>
public sealed class ExtensionOffer
{
    /// <summary>The most offers that a header may hold: 32.</summary>
    public const int MaxCount = 32;

    /// <summary>The most parameters that an offer may have: 32.</summary>
    public const int MaxParameters = 32;

    /// <summary>The longest header value, in characters: 16,384.</summary>
    public const int MaxLength = HttpGrammar.MaxFieldLength;

    /// <summary>An offer of our own.</summary>
    /// <param name="name">The extension, as <c>permessage-deflate</c>.</param>
    /// <param name="parameters">Its parameters in order; copied.</param>
    /// <exception cref="ArgumentException">
    /// A name or a value is not a token, or there are more than <see cref="MaxParameters"/>.
    /// </exception>
    public ExtensionOffer(string name, params ReadOnlySpan<ExtensionParameter> parameters)
    {
        ThrowUnlessToken(name, nameof(name));
        if (parameters.Length > MaxParameters)
        {
            throw new ArgumentException(
                $"an offer has at most {MaxParameters} parameters, not {parameters.Length}",
                nameof(parameters));
        }

        foreach (var (parameter, value) in parameters)
        {
            ThrowUnlessToken(parameter, nameof(parameters));
            if (value is not null) ThrowUnlessToken(value, nameof(parameters));
        }

        Name = name;
        Parameters = parameters.ToArray();
    }

    /// <summary>The extension's name, a token; compare it exactly.</summary>
    public string Name { get; }

    /// <summary>
    /// The parameters in their order. One name may come more than once; whether that is an error, the extension decides.
    /// </summary>
    public IReadOnlyList<ExtensionParameter> Parameters { get; }

    /// <summary>
    /// Reads the value of <c>Sec-WebSocket-Extensions</c>. One extension may be offered several times, which
    /// gives alternatives, best first. Thread-safe.
    /// </summary>
    /// <param name="header">The value, several lines joined with commas; null, which offers nothing, when it is absent.</param>
    /// <param name="offers">The offers in their order; empty when the header is absent or malformed.</param>
    /// <param name="error">On failure, a sentence that says what is wrong and where, fit for a response.</param>
    /// <returns>False when the header breaks the grammar of RFC 6455 §9.1 or is over a limit.</returns>
    public static bool TryParse(
        string? header,
        out IReadOnlyList<ExtensionOffer> offers,
        [NotNullWhen(false)] out string? error)
    {
        offers = [];
        error = null;
        if (header is null) return true;
        if (header.Length > MaxLength)
        {
            error = $"{FieldNames.Extensions} has {header.Length} characters; at most {MaxLength} are taken";
            return false;
        }

        return new ExtensionParser(header).TryParse(out offers, out error);
    }

    /// <summary>The header value that holds the offers in their order; null, for no header, when there are none.</summary>
    public static string? ToHeader(IReadOnlyList<ExtensionOffer> offers)
    {
        ArgumentNullException.ThrowIfNull(offers);
        if (offers.Count == 0) return null;
        var text = new StringBuilder();
        for (var i = 0; i < offers.Count; i++)
        {
            if (i > 0) text.Append(", ");
            offers[i].WriteTo(text);
        }

        return text.ToString();
    }

    /// <summary>The offer as it stands in the header. Values are tokens and so need no quotes.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        WriteTo(text);
        return text.ToString();
    }

    private void WriteTo(StringBuilder text)
    {
        text.Append(Name);
        for (var i = 0; i < Parameters.Count; i++)
        {
            text.Append("; ").Append(Parameters[i].Name);
            if (Parameters[i].Value is { } value) text.Append('=').Append(value);
        }
    }

    private static void ThrowUnlessToken(string text, string parameterName)
    {
        ArgumentNullException.ThrowIfNull(text, parameterName);
        if (HttpGrammar.IsToken(text)) return;
        throw new ArgumentException($"{Excerpt.Of(text)} is not a token (RFC 6455 §9.1)", parameterName);
    }
}
