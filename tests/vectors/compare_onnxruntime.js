// SPDX-License-Identifier: GPL-2.0
// compare_onnxruntime.js MODEL INPUT.npy OUTPUT.npy: the first output of a network by ONNX Runtime against a file.
'use strict';
const fs = require('fs');
const ort = require('onnxruntime-node');

const KINDS = {
	'<f4': ['float32', Float32Array], '|u1': ['uint8', Uint8Array], '|i1': ['int8', Int8Array],
	'<i4': ['int32', Int32Array], '<i8': ['int64', BigInt64Array],
};

function read(path)
{
	const file = fs.readFileSync(path), length = file.readUInt16LE(8);
	const head = file.subarray(10, 10 + length).toString(), data = file.subarray(10 + length);
	const [type, list] = KINDS[/'descr': '([^']*)'/.exec(head)[1]];
	const shape = /\(([^)]*)\)/.exec(head)[1].split(',').map((s) => s.trim()).filter((s) => s).map(Number);

	return { type, shape, values: new list(data.buffer.slice(data.byteOffset, data.byteOffset + data.length)) };
}

async function main(model, input, output)
{
	// Without VNNI its products of u8 and s8 saturate at 16 bits, unless it is asked for the right ones.
	const session = await ort.InferenceSession.create(model, {
		intraOpNumThreads: 1, logSeverityLevel: 3, extra: { session: { x64quantprecision: '1' } },
	});
	const ours = read(output), feed = {};

	input.split(',').forEach((path, i) => {
		const x = read(path);

		feed[session.inputNames[i]] = new ort.Tensor(x.type, x.values, x.shape);
	});
	let result = await session.run(feed), best = Infinity, differ = 0, largest = 0, size = 0;

	for (let i = 0; i < 5; i++) {
		const start = process.hrtime.bigint();

		result = await session.run(feed);
		best = Math.min(best, Number(process.hrtime.bigint() - start) / 1e6);
	}
	const theirs = result[session.outputNames[0]];

	if (theirs.data.length !== ours.values.length)
		throw new Error(`${ours.values.length} elements, ONNX Runtime has ${theirs.data.length}`);
	theirs.data.forEach((value, i) => {
		const difference = Math.abs(Number(value) - Number(ours.values[i]));

		differ += difference !== 0;
		largest = Math.max(largest, difference);
		size = Math.max(size, Math.abs(Number(value)));
	});
	console.log(`${theirs.type} [${theirs.dims}]: ${differ} of ${theirs.data.length} elements differ, by at most ${largest} of ${size}; ` +
		    `ONNX Runtime takes ${best.toFixed(2)} ms`);
}

main(...process.argv.slice(2)).catch((error) => {
	console.error(`compare_onnxruntime.js: ${error.message}`);
	process.exit(1);
});
