using System.Net.Http;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Sluice.Proxy;

/// <summary>Puts the backend's status and header fields into our response, or says why they cannot be passed on.</summary>
internal static class ResponseHead
{
    /// <summary>Copies status, reason and fields.</summary>
    /// <returns><see langword="null"/>, or what is wrong; then the response holds a part of the fields and must be cleared.</returns>
    public static string? Copy(HttpResponseMessage from, HttpResponse to)
    {
        var status = (int)from.StatusCode;
        if (status < 200) return $"status {status} is not a final one here";
        if (FramingProblem(from, out var length) is { } problem) return problem;

        to.StatusCode = status;
        if (to.HttpContext.Features.Get<IHttpResponseFeature>() is { } response && IsPlain(from.ReasonPhrase)) response.ReasonPhrase = from.ReasonPhrase;
        if (CopyFields(from, to) is { } invalid) return invalid;
        if (MayDescribeBody(status)) to.ContentLength = length;
        return null;
    }

    /// <summary>Copies the header fields that go on to the client.</summary>
    public static string? CopyFields(HttpResponseMessage from, HttpResponse to)
    {
        var hopByHop = new HopByHop(Values(from.Headers, HeaderNames.Connection));
        return CopyFields(from.Headers, to, hopByHop) ?? CopyFields(from.Content.Headers, to, hopByHop);
    }

    /// <summary>The fields of a name as they came, a line each.</summary>
    public static StringValues Values(HttpHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values) ? ToArray(values) : default;

    /// <summary>Whether a body follows in our response (RFC 9110 §6.4.1); for 205 see §15.3.6.</summary>
    public static bool MayHaveBody(string method, int status) =>
        !HttpMethods.IsHead(method) && status != StatusCodes.Status304NotModified && MayDescribeBody(status);

    private static bool MayDescribeBody(int status) => status is not (StatusCodes.Status204NoContent or StatusCodes.Status205ResetContent);

    // Where two ways to find a body's end disagree, the next response starts where an attacker likes (RFC 9112 §11.2).
    // The handler has chosen one; this lets nothing pass that another reader might understand differently.
    private static string? FramingProblem(HttpResponseMessage from, out long? length)
    {
        length = null;
        var coding = Values(from.Headers, HeaderNames.TransferEncoding);
        var lengths = Values(from.Content.Headers, HeaderNames.ContentLength);
        if (coding.Count > 0)
        {
            // The handler understands chunked alone (RFC 9112 §6.1), and then passes over Content-Length (§6.3).
            return HeaderTokens.IsOnly(coding, "chunked") ? null : "a transfer coding other than chunked";
        }

        if (lengths.Count == 0) return null;
        if (lengths.Count > 1 || !long.TryParse(lengths[0], System.Globalization.NumberStyles.None, null, out var value)) return "Content-Length is not one number";
        length = value;
        return null;
    }

    private static string? CopyFields(HttpHeaders from, HttpResponse to, HopByHop hopByHop)
    {
        foreach (var (name, values) in from.NonValidated)
        {
            if (hopByHop.Contains(name) || name.Equals(HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase)) continue;
            try
            {
                to.Headers[name] = ToArray(values);
            }
            catch (InvalidOperationException)
            {
                return $"the header field {name} holds a character that may not be sent"; // the server's own check
            }
        }

        return null;
    }

    // A bare CR here could split the response for a lenient client.
    private static bool IsPlain(string? reason) => reason is not null && !reason.AsSpan().ContainsAnyExceptInRange(' ', '~');

    private static StringValues ToArray(HeaderStringValues values)
    {
        if (values.Count == 1) return values.ToString();
        var array = new string[values.Count];
        var i = 0;
        foreach (var value in values) array[i++] = value;
        return array;
    }
}
